package wire_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

type reading struct {
	Name   string
	Values []float64
	At     wire.Time `json:",omitzero"`
	Unset  wire.Time `json:",omitzero"`
	None   *float64  `json:",omitempty"`
}

func postCBOR(t *testing.T, path string, body []byte, headers map[string]string) (*http.Response, []byte) {
	t.Helper()
	echo := wire.Op("Echo", func(_ context.Context, in reading) (reading, error) {
		if in.Name == "" {
			return in, wire.Errorf("Missing", "no name")
		}
		return in, nil
	})
	service := wire.Service{Name: "monitoring", Protocol: wire.JSON10, Target: "Granite", Operations: []wire.Operation{echo}}
	known := func(context.Context, string) (wire.Caller, bool) { return wire.Caller{}, true }
	h := wire.NewHandler([]wire.Service{service}, known, log.New(io.Discard, "", 0))
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	r.Header.Set("smithy-protocol", "rpc-v2-cbor")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/monitoring/aws4_request, SignedHeaders=host, Signature=x")
	for key, value := range headers {
		r.Header.Set(key, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), w.Body.Bytes()
}

func TestCBORCallsAreAnsweredInCBOR(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1772442000123).UTC()
	body, err := cbor.Marshal(reading{Name: "n", Values: []float64{1, 2.5}, At: wire.Time{Time: at}})
	if err != nil {
		t.Fatal(err)
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, send := range map[string]struct {
		body    []byte
		headers map[string]string
	}{"plain": {body, nil}, "compressed": {zipped.Bytes(), map[string]string{"Content-Encoding": "gzip"}}} {
		res, raw := postCBOR(t, "/service/Granite/operation/Echo", send.body, send.headers)
		var got reading
		if err := cbor.Unmarshal(raw, &got); err != nil || res.StatusCode != 200 || res.Header.Get("smithy-protocol") != "rpc-v2-cbor" {
			t.Fatalf("%s: %d %q %v", name, res.StatusCode, raw, err)
		}
		if got.Name != "n" || len(got.Values) != 2 || got.Values[1] != 2.5 || !got.At.Equal(at) {
			t.Errorf("%s: %+v", name, got)
		}
		var members map[string]any
		if err := cbor.Unmarshal(raw, &members); err != nil || len(members) != 3 {
			t.Errorf("%s: what is not set was sent: %v, %v", name, members, err)
		}
	}
}

func TestCBORRefusalsNameTheirType(t *testing.T) {
	t.Parallel()
	for want, send := range map[string]struct {
		path string
		body []byte
	}{
		"Missing":                   {"/service/Granite/operation/Echo", nil},
		"UnknownOperationException": {"/service/Other/operation/Echo", nil},
		"SerializationException":    {"/service/Granite/operation/Echo", []byte{0xff}},
	} {
		res, raw := postCBOR(t, send.path, send.body, nil)
		var got map[string]string
		if err := cbor.Unmarshal(raw, &got); err != nil || got["__type"] != want || res.StatusCode != 400 {
			t.Errorf("want %s: %d %v %v", want, res.StatusCode, got, err)
		}
	}
}

// FuzzCBOR checks that no body makes the decoder panic.
func FuzzCBOR(f *testing.F) {
	seed, err := cbor.Marshal(reading{Name: "n", Values: []float64{1}, At: wire.Time{Time: time.Unix(1, 0)}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte{0xbf, 0xff})
	f.Fuzz(func(t *testing.T, body []byte) {
		var in reading
		if cbor.Unmarshal(body, &in) != nil {
			return
		}
		if _, err := cbor.Marshal(in); err != nil {
			t.Errorf("what was read cannot be written: %v", err)
		}
	})
}
