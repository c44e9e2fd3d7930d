package functions_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/the-alchemiser/alchemiser/internal/config"
	"github.com/the-alchemiser/alchemiser/internal/functions"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// cloud answers AWS calls by their target, such as "DynamoDB_20120810.GetItem", and keeps which were made. The checks of a smoke
// event call it at the same time.
type cloud struct {
	answers map[string]string

	mu    sync.Mutex
	calls []string
}

func (c *cloud) Do(r *http.Request) (*http.Response, error) {
	target := r.Header.Get("X-Amz-Target")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.calls = append(c.calls, target+" "+string(body))
	c.mu.Unlock()
	status, answer := http.StatusOK, c.answers[target]
	if strings.Contains(answer, "__type") {
		status = http.StatusBadRequest
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewBufferString(answer)), Request: r}, nil
}

const (
	getItem   = "DynamoDB_20120810.GetItem"
	putEvents = "AWSEvents.PutEvents"
)

func good() *cloud {
	return &cloud{answers: map[string]string{
		getItem: `{}`, putEvents: `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"InvalidArgument","ErrorMessage":"Parameter DetailType is not valid."}]}`,
	}}
}

func function(t *testing.T, c *cloud) *functions.Function {
	t.Helper()
	f, err := functions.New("execution", config.Config{
		Stage: "dev", StateTable: "alchemiser-state-dev", Bus: bus.Config{EventBusName: "alchemiser-trading-events-dev", SourcePrefix: "alchemiser"},
		Lambda: config.Lambda{Version: "7"},
	}, aws.Config{
		Region: "us-east-1", HTTPClient: c, Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func report(t *testing.T, answer any) functions.Report {
	t.Helper()
	r, ok := answer.(functions.Report)
	if !ok {
		t.Fatalf("the answer is %T", answer)
	}
	return r
}

func TestSmokeReportsEveryCheckAndHasNoEffect(t *testing.T) {
	t.Parallel()
	c := good()
	service := functions.Service{Types: []events.Type{events.TypeRebalancePlanned}, Checks: []functions.Check{
		{Name: "broker", Do: func(context.Context) (string, error) { return "keys are valid", nil }},
	}}
	answer, err := function(t, c).Smoke(service)(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := report(t, answer)
	if r.Function != "execution" || r.Version != "7" || len(r.Checks) != 4 {
		t.Errorf("the report is %+v, want four checks of execution 7", r)
	}
	for _, check := range r.Checks {
		if !check.OK || check.Detail == "" {
			t.Errorf("check %+v, want it to hold and to say what it found", check)
		}
	}
	for _, call := range c.calls {
		target, body, _ := strings.Cut(call, " ")
		if target != getItem && (target != putEvents || strings.Contains(body, "DetailType")) {
			t.Errorf("the smoke test called %s", call)
		}
	}
}

func TestAnObserverDoesNotAskToPublish(t *testing.T) {
	t.Parallel()
	c := good()
	if _, err := function(t, c).Smoke(functions.Service{Observer: true})(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, call := range c.calls {
		if strings.HasPrefix(call, putEvents) {
			t.Errorf("the monitor called %s, which it may not", call)
		}
	}
}

func TestSmokeWaitsForPermissionsAndNamesWhatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := good()
		c.answers[putEvents] = `{"__type":"AccessDeniedException","message":"not authorized to perform: events:PutEvents"}`
		attempts := 0
		service := functions.Service{Checks: []functions.Check{
			{Name: "late", Do: func(context.Context) (string, error) {
				if attempts++; attempts < 5 {
					return "", errors.New("not yet")
				}
				return "there it is", nil
			}},
			{Name: "broken", Do: func(context.Context) (string, error) { return "", errors.New("no such key: store it") }},
		}}
		answer, err := function(t, c).Smoke(service)(t.Context())
		if err == nil {
			t.Fatal("the smoke test passed")
		}
		for _, want := range []string{"broken: no such key: store it", "bus: ", "AccessDenied"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the error is %q, want %q in it", err, want)
			}
		}
		if strings.Contains(err.Error(), "late") || strings.Contains(err.Error(), "state") {
			t.Errorf("the error is %q, want only what failed", err)
		}
		ok := 0
		for _, check := range report(t, answer).Checks {
			if check.OK {
				ok++
			}
		}
		if ok != 3 {
			t.Errorf("%d checks held, want events, state and late", ok)
		}
	})
}
