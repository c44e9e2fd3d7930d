package wire_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// signedServer is a server that verifies signatures of the key "AKID", whose secret is "secret" and whose token is "token".
func signedServer(t *testing.T) *httptest.Server {
	t.Helper()
	echo := func(_ context.Context, in blob) (blob, error) { return in, nil }
	ok := func(context.Context, wire.Empty) (wire.Empty, error) { return wire.Empty{}, nil }
	h := wire.NewHandler([]wire.Service{
		{Name: "lambda", Protocol: wire.REST, Operations: []wire.Operation{wire.Rest("Put", http.MethodPut, "/things/{Name}", echo)}},
		{Name: "events", Protocol: wire.JSON11, Target: "AWSEvents", Operations: []wire.Operation{wire.Op("Do", ok)}},
		{Name: "sts", Protocol: wire.Query, Version: "2011-06-15", Operations: []wire.Operation{wire.Op("Do", ok)}},
	}, func(_ context.Context, key string) (wire.Caller, bool) {
		return wire.Caller{AccessKeyID: key}, key == "AKID"
	},
		log.New(io.Discard, "", 0))
	h.Secrets = func(string) wire.Secret { return wire.Secret{Key: "secret", Token: "token"} }
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

// signed returns a request as an SDK sends it.
func signed(t interface{ Fatal(...any) }, method, address, service, body string, at time.Time, header http.Header) *http.Request {
	r, err := http.NewRequestWithContext(context.Background(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	hash := sha256.Sum256([]byte(body))
	credentials := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret", SessionToken: "token"}
	if err := v4.NewSigner().SignHTTP(context.Background(), credentials, r, hex.EncodeToString(hash[:]), service, "us-east-1", at); err != nil {
		t.Fatal(err)
	}
	return r
}

func send(t interface{ Fatal(...any) }, r *http.Request) (int, string) {
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(raw)
}

func TestWhatAnSDKSignsIsGenuine(t *testing.T) {
	server := signedServer(t)
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringN(1, 20, 40).Draw(t, "name")
		body := rapid.String().Draw(t, "body")
		query := url.Values{}
		for range rapid.IntRange(0, 3).Draw(t, "parameters") {
			query.Add(rapid.StringN(1, 5, 20).Draw(t, "parameter"), rapid.String().Draw(t, "value"))
		}
		address := server.URL + "/things/" + url.PathEscape(name)
		if len(query) > 0 {
			address += "?" + strings.ReplaceAll(query.Encode(), "+", "%20")
		}
		if name == "." || name == ".." {
			return // clients resolve them
		}
		header := http.Header{"X-Amz-Meta": {" a  b "}, "Content-Type": {"application/octet-stream"}}
		if status, answer := send(t, signed(t, http.MethodPut, address, "lambda", body, time.Now(), header)); status != http.StatusOK {
			t.Fatalf("%s: status %d: %s", address, status, answer)
		}
	})
}

func TestForgedRequestsAreRefused(t *testing.T) {
	server := signedServer(t)
	now := time.Now()
	put := func(at time.Time) *http.Request {
		return signed(t, http.MethodPut, server.URL+"/things/a?x=1", "lambda", "body", at, nil)
	}
	tests := map[string]struct {
		forge func(r *http.Request)
		at    time.Time
		code  string
	}{
		"another body":           {func(r *http.Request) { r.Body = io.NopCloser(bytes.NewReader([]byte("evil"))) }, now, "InvalidSignatureException"},
		"another path":           {func(r *http.Request) { r.URL.Path = "/things/b" }, now, "InvalidSignatureException"},
		"another query":          {func(r *http.Request) { r.URL.RawQuery = "x=2" }, now, "InvalidSignatureException"},
		"another token":          {func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "x") }, now, "UnrecognizedClientException"},
		"a header more":          {func(r *http.Request) { r.Header.Set("X-Amz-Evil", "x") }, now, "InvalidSignatureException"},
		"no signature":           {func(r *http.Request) { cutHeader(r, ", Signature=") }, now, "IncompleteSignatureException"},
		"another algorithm":      {func(r *http.Request) { replaceHeader(r, "AWS4-HMAC-SHA256", "AWS5") }, now, "IncompleteSignatureException"},
		"another region":         {func(r *http.Request) { replaceHeader(r, "us-east-1", "eu-west-1") }, now, "InvalidSignatureException"},
		"another day in it":      {func(r *http.Request) { replaceHeader(r, now.UTC().Format("/20060102/"), "/20200101/") }, now, "InvalidSignatureException"},
		"a date that is none":    {func(r *http.Request) { r.Header.Set("X-Amz-Date", "today") }, now, "IncompleteSignatureException"},
		"signed ten minutes ago": {func(*http.Request) {}, now.Add(-10 * time.Minute), "InvalidSignatureException"},
		"signed ten minutes on":  {func(*http.Request) {}, now.Add(10 * time.Minute), "InvalidSignatureException"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := put(tt.at)
			tt.forge(r)
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			var answer struct{ Message string }
			if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.Message == "" {
				t.Errorf("answer %+v, %v", answer, err)
			}
			if code := res.Header.Get("X-Amzn-Errortype"); res.StatusCode != http.StatusForbidden || code != tt.code {
				t.Errorf("status %d, %s (%s), want 403, %s", res.StatusCode, code, answer.Message, tt.code)
			}
		})
	}
}

func replaceHeader(r *http.Request, old, with string) {
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, with, 1))
}

func cutHeader(r *http.Request, from string) {
	before, _, _ := strings.Cut(r.Header.Get("Authorization"), from)
	r.Header.Set("Authorization", before)
}

func TestRefusalsOfSignaturesAreSpelledAsTheProtocolDoes(t *testing.T) {
	server := signedServer(t)
	forged := func(service, body string, header http.Header) *http.Request {
		r := signed(t, http.MethodPost, server.URL+"/", service, body, time.Now(), header)
		r.Header.Set("Authorization", r.Header.Get("Authorization")[:len(r.Header.Get("Authorization"))-4]+"0000")
		return r
	}
	status, answer := send(t, forged("events", "{}", http.Header{"X-Amz-Target": {"AWSEvents.Do"}}))
	if status != http.StatusBadRequest || !strings.Contains(answer, `"InvalidSignatureException"`) {
		t.Errorf("JSON: status %d: %s", status, answer)
	}
	status, answer = send(t, forged("sts", "Action=Do&Version=2011-06-15", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}))
	if status != http.StatusForbidden || !strings.Contains(answer, "<Code>SignatureDoesNotMatch<") {
		t.Errorf("query: status %d: %s", status, answer)
	}
}

func TestPresignedRequests(t *testing.T) {
	server := signedServer(t)
	presigned := func(at time.Time) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL+"/things/a?X-Amz-Expires=600", nil)
		if err != nil {
			t.Fatal(err)
		}
		hash := sha256.Sum256(nil)
		credentials := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret", SessionToken: "token"}
		address, _, err := v4.NewSigner().PresignHTTP(t.Context(), credentials, r, hex.EncodeToString(hash[:]), "lambda", "us-east-1", at)
		if err != nil {
			t.Fatal(err)
		}
		r, err = http.NewRequestWithContext(t.Context(), http.MethodPut, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if status, answer := send(t, presigned(time.Now().Add(-9*time.Minute))); status != http.StatusOK {
		t.Errorf("status %d: %s", status, answer)
	}
	if status, answer := send(t, presigned(time.Now().Add(-11*time.Minute))); status != http.StatusForbidden || !strings.Contains(answer, "expired") {
		t.Errorf("too late: status %d: %s", status, answer)
	}
}
