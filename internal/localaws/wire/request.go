package wire

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
)

// Request is one call on its way to an operation.
type Request struct {
	Service   string
	Operation string
	ID        string
	Header    http.Header
	Query     url.Values
	Path      map[string]string
	Body      []byte

	protocol Protocol
	// form, flat and namespace belong to the Query protocol.
	form      *node
	flat      map[string]Flat
	namespace string
}

// decode fills into, a pointer to a struct, from the request as its protocol says.
func (r *Request) decode(into any) error {
	switch r.protocol {
	case Query:
		return r.form.decode(into, r.Operation, r.flat)
	case REST:
		return r.decodeREST(into)
	case rpcV2CBOR:
		return r.decodeCBOR(into)
	case JSON10, JSON11:
	}
	return r.decodeJSON(into)
}

func (r *Request) decodeJSON(into any) error {
	if len(r.Body) == 0 {
		return nil
	}
	if err := json.Unmarshal(r.Body, into); err != nil {
		// A type of the service may refuse its content in the service's own words.
		var refused *Error
		if errors.As(err, &refused) {
			return refused
		}
		return Errorf("SerializationException", "%s.%s: %v", r.Service, r.Operation, err)
	}
	return nil
}

// Caller is who signed a request.
type Caller struct {
	AccessKeyID string
	// ARN is "arn:aws:iam::000000000000:root" for the operator's keys, else the assumed role of a function.
	ARN string
}

type contextKey int

const (
	callerKey contextKey = iota
	requestKey
)

// WithCaller returns ctx with the caller.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey, c)
}

// CallerFrom returns the caller of the request that ctx belongs to.
func CallerFrom(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey).(Caller)
	return c, ok
}

// RequestFrom returns the request that ctx belongs to: its headers (X-Amzn-Trace-Id) and its id.
func RequestFrom(ctx context.Context) (*Request, bool) {
	r, ok := ctx.Value(requestKey).(*Request)
	return r, ok
}
