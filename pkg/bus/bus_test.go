package bus_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/caarlos0/env/v11"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

func config(t *testing.T, vars map[string]string) bus.Config {
	t.Helper()
	c, err := env.ParseAsWithOptions[bus.Config](env.Options{Prefix: "EVENTBRIDGE__", Environment: vars})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConfigDefaultsAreTheContracts(t *testing.T) {
	t.Parallel()
	got := config(t, map[string]string{"EVENTBRIDGE__EVENT_BUS_NAME": "b"})
	want := bus.Config{
		UseEventBridge: true, EventBusName: "b", SourcePrefix: "alchemiser", MaxRetryAttempts: 3, MaxEventAgeSeconds: 3600,
		MaxEventBytes: events.DefaultSizeLimit, ArchiveRetentionDays: 365,
	}
	if got != want {
		t.Errorf("config is %+v, want %+v", got, want)
	}
	if err := got.Validate(); err != nil {
		t.Error(err)
	}
}

func TestConfigNamesEveryFaultByItsVariable(t *testing.T) {
	t.Parallel()
	err := config(t, map[string]string{
		"EVENTBRIDGE__SOURCE_PREFIX": "a..b", "EVENTBRIDGE__MAX_RETRY_ATTEMPTS": "186", "EVENTBRIDGE__MAX_EVENT_AGE_SECONDS": "59",
		"EVENTBRIDGE__MAX_EVENT_BYTES": "2000000", "EVENTBRIDGE__ARCHIVE_RETENTION_DAYS": "0",
	}).Validate()
	if err == nil {
		t.Fatal("Validate = nil")
	}
	for _, want := range []string{
		"EVENTBRIDGE__EVENT_BUS_NAME is not set", `EVENTBRIDGE__SOURCE_PREFIX is "a..b"`, "EVENTBRIDGE__MAX_RETRY_ATTEMPTS is 186, want 0 to 185",
		"EVENTBRIDGE__MAX_EVENT_AGE_SECONDS is 59", "EVENTBRIDGE__MAX_EVENT_BYTES is 2000000", "EVENTBRIDGE__ARCHIVE_RETENTION_DAYS is 0",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("Validate = %v\nwant it to say %s", err, want)
		}
	}
	if err := config(t, map[string]string{"EVENTBRIDGE__USE_EVENTBRIDGE": "false"}).Validate(); err != nil {
		t.Errorf("Validate = %v, want no bus name asked for in memory", err)
	}
}

func TestPublishErrorAsksForWhatMayHelp(t *testing.T) {
	t.Parallel()
	with := func(codes ...fault.Code) error {
		var rejected []bus.Rejected
		for _, c := range codes {
			rejected = append(rejected, bus.Rejected{Code: "Code", Message: "message", Err: fault.New(c, "cause")})
		}
		return bus.NewPublishError(rejected)
	}
	if err := with(); err != nil {
		t.Errorf("nothing rejected is the error %v", err)
	}
	for want, err := range map[fault.Code]error{
		fault.Invalid:   with(fault.Invalid, fault.Invalid),
		fault.Internal:  with(fault.Invalid, fault.Internal),
		fault.Transient: with(fault.Transient, fault.Internal, fault.Invalid),
	} {
		if got := fault.CodeOf(err); got != want {
			t.Errorf("code is %s, want %s", got, want)
		}
		var publish *bus.PublishError
		if !errors.As(err, &publish) || !strings.Contains(err.Error(), "event without payload") {
			t.Errorf("error is %v", err)
		}
	}
}

func FuzzParseEnvelope(f *testing.F) {
	f.Add([]byte(`{"version":"0","id":"1","detail-type":"T","source":"s","account":"1","time":"2026-03-02T20:45:00Z","region":"r","resources":[],"detail":{}}`))
	f.Add([]byte(`{"detail-type":"T","source":"s","detail":null}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := bus.ParseEnvelope(raw)
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid {
				t.Errorf("%v is %s, want invalid", err, fault.CodeOf(err))
			}
			return
		}
		if d := e.Delivery("r", raw); d.DetailType == "" || d.Source == "" || len(d.Detail) == 0 {
			t.Errorf("accepted %q as %+v", raw, d)
		}
	})
}
