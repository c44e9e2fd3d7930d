package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
)

// maxBody is the longest request that is read: a function's zip of 50 MB in base64 fits.
const maxBody = 96 << 20

// Resolver says who signs with an access key; ok is false if nobody does.
type Resolver func(ctx context.Context, accessKeyID string) (c Caller, ok bool)

// Handler serves services on one address. It is safe for concurrent use.
type Handler struct {
	byName    map[string]*api
	byTarget  map[string]*api
	byVersion map[string]*api
	resolve   Resolver
	logger    *log.Logger

	// Around, if set, runs each operation whose caller is known: it calls next, or answers itself. Set it before the
	// handler serves.
	Around func(ctx context.Context, r *Request, next func() (any, error)) (any, error)
	// Secrets, if set, returns what a known access key signs with: signatures are verified then. Set it before the handler
	// serves.
	Secrets func(accessKeyID string) Secret
	// Authorize, if set, refuses a call whose caller lacks a permission. Set it before the handler serves.
	Authorize func(ctx context.Context, r *Request, needs []Access) error
}

// ErrNoAnswer is for Around to return: it closes the connection without an answer.
var ErrNoAnswer = errors.New("no answer")

// api is a service with its operations where requests find them.
type api struct {
	Service
	operations map[string]Operation
	routes     []route
}

// NewHandler returns a handler for services. A request belongs to the service that X-Amz-Target names, else (with a form
// as its body) to the one that has the form's Version, else to the one in the credential scope of its signature. The
// access key must be one that resolve knows. Faults of the endpoint itself go to logger.
func NewHandler(services []Service, resolve Resolver, logger *log.Logger) *Handler {
	h := &Handler{
		byName: map[string]*api{}, byTarget: map[string]*api{}, byVersion: map[string]*api{},
		resolve: resolve, logger: logger,
	}
	for _, s := range services {
		a := &api{Service: s, operations: map[string]Operation{}}
		for _, op := range s.Operations {
			a.operations[op.Name] = op
			if s.Protocol == REST {
				a.routes = append(a.routes, newRoute(op))
			}
		}
		h.byName[s.Name] = a
		if s.Target != "" {
			h.byTarget[s.Target] = a
		}
		if s.Version != "" {
			h.byVersion[s.Version] = a
		}
	}
	return h
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	r := &Request{ID: uuid.NewString(), Header: hr.Header, Query: hr.URL.Query(), protocol: REST}
	w.Header().Set("x-amzn-RequestId", r.ID)
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler { //nolint:errorlint // it is compared so in net/http
				panic(p)
			}
			h.logger.Printf("%s.%s: panic: %v\n%s", r.Service, r.Operation, p, debug.Stack())
			r.writeError(w, internalFailure(r))
		}
	}()
	out, err := h.serve(w, hr, r)
	if err == nil {
		err = r.writeOutput(w, out)
	}
	if errors.Is(err, ErrNoAnswer) {
		panic(http.ErrAbortHandler)
	}
	if err != nil {
		r.writeError(w, h.refusal(r, err))
	}
}

// serve finds the operation and runs it.
func (h *Handler) serve(w http.ResponseWriter, hr *http.Request, r *Request) (any, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, hr.Body, maxBody))
	if err != nil {
		var long *http.MaxBytesError
		if errors.As(err, &long) {
			return nil, &Error{Code: "RequestEntityTooLargeException", Message: err.Error(), Status: http.StatusRequestEntityTooLarge}
		}
		return nil, Errorf("SerializationException", "read the request: %v", err)
	}
	if r.Body, err = inflate(hr.Header.Get("Content-Encoding"), body); err != nil {
		return nil, err
	}
	scope := credentialScope(hr)
	a, op, err := h.find(hr, r, scope)
	if err != nil {
		return nil, err
	}
	if scope.accessKeyID == "" {
		return nil, &Error{Code: "MissingAuthenticationToken", Message: "Request is missing Authentication Token", Status: http.StatusForbidden}
	}
	caller, ok := h.resolve(hr.Context(), scope.accessKeyID)
	if !ok {
		return nil, unknownKey(r.protocol, scope.accessKeyID)
	}
	if h.Secrets != nil {
		err := verify(hr, body, h.Secrets(scope.accessKeyID), arn.Region, a.Name, time.Now())
		var refused *Error
		if errors.As(err, &refused) {
			return nil, unauthentic(r.protocol, refused)
		}
	}
	ctx := context.WithValue(WithCaller(hr.Context(), caller), requestKey, r)
	next := func() (any, error) { return h.call(ctx, r, a, op) }
	if h.Around == nil {
		return next()
	}
	return h.Around(ctx, r, next)
}

// call decodes the input, asks whether the caller may, and runs the operation.
func (h *Handler) call(ctx context.Context, r *Request, a *api, op Operation) (any, error) {
	c, err := op.bind(r)
	if err != nil {
		return nil, err
	}
	if h.Authorize != nil {
		if err := h.Authorize(ctx, r, a.needs(ctx, op, c.in)); err != nil {
			return nil, err
		}
	}
	return c.run(ctx)
}

// needs returns the permissions that a call of op needs.
func (a *api) needs(ctx context.Context, op Operation, in any) []Access {
	if a.Access != nil {
		if needs := a.Access(ctx, op.Name, in); needs != nil {
			return needs
		}
	}
	return []Access{{Action: a.Name + ":" + op.Name, Resource: "*"}}
}

func unknownKey(p Protocol, key string) *Error {
	code := "UnrecognizedClientException"
	if p == Query {
		code = "InvalidClientTokenId"
	}
	return &Error{
		Code: code, Status: http.StatusForbidden,
		Message: fmt.Sprintf("The security token included in the request is invalid: this endpoint does not know the access key %q (the operator's is \"test\").", key),
	}
}

// find returns the operation that the request calls and sets the request's service, operation and protocol.
func (h *Handler) find(hr *http.Request, r *Request, scope scope) (*api, Operation, error) {
	r.Service = scope.service
	if hr.Header.Get(smithyProtocol) == rpcV2 {
		return h.findCBOR(hr, r)
	}
	if target := hr.Header.Get("X-Amz-Target"); target != "" {
		return h.findTarget(r, target)
	}
	if strings.HasPrefix(hr.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return h.findAction(r)
	}
	return h.findRoute(hr, r)
}

func (h *Handler) findTarget(r *Request, target string) (*api, Operation, error) {
	r.protocol = JSON11
	prefix, name, _ := strings.Cut(target, ".")
	r.Operation = name
	a := h.byTarget[prefix]
	if a == nil {
		if r.Service == "" {
			r.Service = prefix
		}
		return nil, Operation{}, unknownOperation(r)
	}
	r.Service, r.protocol = a.Name, a.Protocol
	return a.operation(r)
}

func (h *Handler) findAction(r *Request) (*api, Operation, error) {
	r.protocol = Query
	form, err := parseForm(r.Body)
	if err != nil {
		return nil, Operation{}, err
	}
	r.form, r.Operation = form, form.text("Action")
	a := h.byVersion[form.text("Version")]
	if a == nil {
		return nil, Operation{}, unknownOperation(r)
	}
	r.Service, r.namespace, r.flat = a.Name, a.Namespace, a.Flat
	return a.operation(r)
}

func (h *Handler) findRoute(hr *http.Request, r *Request) (*api, Operation, error) {
	r.protocol, r.Operation = REST, hr.Method+" "+hr.URL.EscapedPath()
	a := h.byName[r.Service]
	if a == nil {
		return nil, Operation{}, unknownOperation(r)
	}
	op, labels, ok := match(a.routes, hr.Method, hr.URL.EscapedPath())
	if !ok {
		return nil, Operation{}, unknownOperation(r)
	}
	r.Operation, r.Path = op.Name, labels
	return a, op, nil
}

func (a *api) operation(r *Request) (*api, Operation, error) {
	op, ok := a.operations[r.Operation]
	if !ok {
		return nil, op, unknownOperation(r)
	}
	return a, op, nil
}

// unknownOperation is a 400: clients would retry a 5xx for minutes.
func unknownOperation(r *Request) *Error {
	service := r.Service
	if service == "" {
		service = "unsigned request"
	}
	return Errorf("UnknownOperationException", "%s: %s is not implemented by this endpoint.", service, r.Operation)
}

// refusal returns what err says to the client. An error that is not an answer is the endpoint's own fault.
func (h *Handler) refusal(r *Request, err error) *Error {
	var refused *Error
	if errors.As(err, &refused) {
		return refused
	}
	h.logger.Printf("%s.%s (request %s): %v", r.Service, r.Operation, r.ID, err)
	return internalFailure(r)
}

func internalFailure(r *Request) *Error {
	return &Error{
		Code: "InternalFailure", Status: http.StatusInternalServerError,
		Message: fmt.Sprintf("%s.%s failed inside the endpoint: its log says why (request %s).", r.Service, r.Operation, r.ID),
	}
}
