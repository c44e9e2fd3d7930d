package wire

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"maps"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// smithyProtocol is the header that says a request or an answer is rpc-v2-cbor.
// https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
const smithyProtocol, rpcV2 = "smithy-protocol", "rpc-v2-cbor"

// cborTarget returns the service and operation in the path of an rpc-v2-cbor request.
func cborTarget(path string) (target, operation string, ok bool) {
	rest, ok := strings.CutPrefix(path, "/service/")
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, "/operation/")
}

// findCBOR returns the operation that an rpc-v2-cbor request calls. Services are found by the Target that they have in
// the JSON protocols.
func (h *Handler) findCBOR(hr *http.Request, r *Request) (*api, Operation, error) {
	r.protocol = rpcV2CBOR
	target, operation, _ := cborTarget(hr.URL.EscapedPath())
	r.Operation = operation
	a := h.byTarget[target]
	if a == nil {
		return nil, Operation{}, unknownOperation(r)
	}
	r.Service = a.Name
	return a.operation(r)
}

func (r *Request) decodeCBOR(into any) error {
	if len(r.Body) == 0 {
		return nil
	}
	if err := cbor.Unmarshal(r.Body, into); err != nil {
		return Errorf("SerializationException", "%s.%s: %v", r.Service, r.Operation, err)
	}
	return nil
}

func writeCBOR(w http.ResponseWriter, status int, v any) error {
	body, err := cbor.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set(smithyProtocol, rpcV2)
	w.Header().Set("Content-Type", "application/cbor")
	w.WriteHeader(status)
	_, err = w.Write(body)
	return ignoreGone(err)
}

func writeCBORError(w http.ResponseWriter, status int, e *Error) {
	members := map[string]any{"__type": e.Code, "message": e.Message}
	maps.Copy(members, e.Members)
	if err := writeCBOR(w, status, members); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// epochTag marks seconds since the epoch. https://www.rfc-editor.org/rfc/rfc8949#section-3.4.2
const epochTag = 1

// MarshalCBOR implements cbor.Marshaler.
func (t Time) MarshalCBOR() ([]byte, error) {
	if t.IsZero() {
		return cbor.Marshal(nil)
	}
	return cbor.Marshal(cbor.Tag{Number: epochTag, Content: float64(t.UnixMilli()) / 1000})
}

// UnmarshalCBOR accepts tagged seconds since the epoch.
func (t *Time) UnmarshalCBOR(raw []byte) error {
	var tag cbor.RawTag
	if err := cbor.Unmarshal(raw, &tag); err != nil {
		return err
	}
	var seconds float64
	if tag.Number != epochTag {
		return errors.New("a timestamp is tagged as seconds since the epoch")
	}
	if err := cbor.Unmarshal(tag.Content, &seconds); err != nil {
		return err
	}
	if math.IsNaN(seconds) || math.Abs(seconds) > 1e12 {
		return errors.New("a timestamp is out of range")
	}
	t.Time = time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()
	return nil
}

// inflate returns the body as it was before a client compressed it.
// https://smithy.io/2.0/spec/behavior-traits.html#requestcompression-trait
func inflate(encoding string, body []byte) ([]byte, error) {
	if encoding != "gzip" {
		return body, nil
	}
	plain, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, Errorf("SerializationException", "decompress the request: %v", err)
	}
	body, err = io.ReadAll(io.LimitReader(plain, maxBody+1))
	if err != nil || len(body) > maxBody {
		return nil, Errorf("SerializationException", "decompress the request: too long or broken: %v", err)
	}
	return body, nil
}
