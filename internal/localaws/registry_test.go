package localaws_test

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/the-alchemiser/alchemiser/internal/localaws"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// TestEveryOperationAnswersAnEmptyRequestAsAWSDoes also sees what an endpoint logs: a panic or a fault of its own.
func TestEveryOperationAnswersAnEmptyRequestAsAWSDoes(t *testing.T) {
	services, err := localaws.Registry()
	if err != nil {
		t.Fatal(err)
	}
	e := start(t, localaws.Config{})
	count := 0
	for _, s := range services {
		for _, op := range s.Operations {
			count++
			t.Run(s.Name+"."+op.Name, func(t *testing.T) {
				wellFormed(t, s.Protocol, e.send(t, request(t, e.url, s, op)))
			})
			if s.Protocol != wire.Query && s.Version != "" {
				t.Run(s.Name+"."+op.Name+" as a form", func(t *testing.T) {
					form := s
					form.Protocol = wire.Query
					wellFormed(t, wire.Query, e.send(t, request(t, e.url, form, op)))
				})
			}
		}
	}
	if count < 100 {
		t.Errorf("%d operations are registered: where are the others?", count)
	}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (e *endpoint) send(t *testing.T, r *http.Request) answer {
	t.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, body}
}

var label = regexp.MustCompile(`{[^}]*}`)

// request calls op with nothing in it but the names that its path needs.
func request(t *testing.T, base string, s wire.Service, op wire.Operation) *http.Request {
	t.Helper()
	method, path, body, header := http.MethodPost, "/", "{}", http.Header{}
	switch s.Protocol {
	case wire.JSON10:
		header.Set("X-Amz-Target", s.Target+"."+op.Name)
		header.Set("Content-Type", "application/x-amz-json-1.0")
	case wire.JSON11:
		header.Set("X-Amz-Target", s.Target+"."+op.Name)
		header.Set("Content-Type", "application/x-amz-json-1.1")
	case wire.Query:
		body = url.Values{"Action": {op.Name}, "Version": {s.Version}}.Encode()
		header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	case wire.REST:
		method, path = op.Method, label.ReplaceAllString(op.Path, "none")
		if method == http.MethodGet || method == http.MethodDelete {
			body = ""
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260302/us-east-1/"+s.Name+"/aws4_request, SignedHeaders=host, Signature=0")
	return r
}

// wellFormed fails unless a is an answer or a refusal that a client of the protocol can read.
func wellFormed(t *testing.T, protocol wire.Protocol, a answer) {
	t.Helper()
	if a.status >= http.StatusInternalServerError {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	if a.header.Get("x-amzn-RequestId") == "" {
		t.Error("the answer has no request id")
	}
	if protocol == wire.Query {
		wellFormedXML(t, a)
		return
	}
	if len(a.body) == 0 {
		if a.status != http.StatusNoContent && a.status != http.StatusAccepted {
			t.Errorf("status %d without a document", a.status)
		}
		return
	}
	var document map[string]any
	if err := json.Unmarshal(a.body, &document); err != nil {
		t.Fatalf("status %d: %v: %s", a.status, err, a.body)
	}
	if a.status < http.StatusBadRequest {
		return
	}
	if code := a.header.Get("x-amzn-errortype"); code == "" || unimplemented(code) {
		t.Errorf("status %d with the code %q: %s", a.status, code, a.body)
	}
	if message, ok := document["message"].(string); !ok || message == "" {
		t.Errorf("the refusal says nothing: %s", a.body)
	}
}

func wellFormedXML(t *testing.T, a answer) {
	t.Helper()
	var document struct {
		XMLName xml.Name
		Error   struct{ Type, Code, Message string }
	}
	if err := xml.Unmarshal(a.body, &document); err != nil {
		t.Fatalf("status %d: %v: %s", a.status, err, a.body)
	}
	refused := a.status >= http.StatusBadRequest
	if refused != (document.XMLName.Local == "ErrorResponse") {
		t.Errorf("status %d with %s", a.status, document.XMLName.Local)
	}
	if refused && (document.Error.Code == "" || unimplemented(document.Error.Code) || document.Error.Message == "" || document.Error.Type != "Sender") {
		t.Errorf("status %d: %s", a.status, a.body)
	}
}

// unimplemented says whether a code means that the operation was not found at all.
func unimplemented(code string) bool {
	return code == "UnknownOperationException" || code == "InvalidAction" || code == "MissingAuthenticationToken"
}
