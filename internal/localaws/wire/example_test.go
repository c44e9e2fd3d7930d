package wire_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// A service is a list of operations; the handler speaks the protocol.
func Example() {
	type name struct{ Name string }
	greeter := wire.Service{
		Name: "greeter", Protocol: wire.JSON11, Target: "Greeter_2026",
		Operations: []wire.Operation{
			wire.Op("Greet", func(_ context.Context, in name) (name, error) {
				if in.Name == "" {
					return name{}, wire.Errorf("ValidationException", "a name is required")
				}
				return name{"Hello " + in.Name}, nil
			}),
		},
	}
	anyone := func(_ context.Context, key string) (wire.Caller, bool) { return wire.Caller{AccessKeyID: key}, true }
	handler := wire.NewHandler([]wire.Service{greeter}, anyone, log.New(os.Stderr, "", 0))

	for _, body := range []string{`{"Name":"Ada"}`, `{}`} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("X-Amz-Target", "Greeter_2026.Greet")
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/greeter/aws4_request")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 {"Name":"Hello Ada"}
	// 400 {"__type":"ValidationException","message":"a name is required"}
}
