package events_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// scheduled is the detail that Scheduler fills in from the template in terraform/modules/schedule.
const scheduled = `{
  "event_id": "start-core-2026-03-02T20:45:00Z",
  "event_type": "WorkflowStarted",
  "schema_version": "1.0",
  "correlation_id": "run-core-2026-03-02T20:45:00Z",
  "causation_id": "run-core-2026-03-02T20:45:00Z",
  "timestamp": "2026-03-02T20:45:00Z",
  "source_module": "scheduler",
  "source_component": "schedule",
  "metadata": {},
  "portfolio_id": "core"
}`

func TestDecodeReadsWhatSchedulerPublishes(t *testing.T) {
	t.Parallel()
	got, err := events.Decode("WorkflowStarted", []byte(scheduled))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(started(), got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("Decode (-want +got):\n%s", diff)
	}
}

func TestDecodeNamesEveryFault(t *testing.T) {
	t.Parallel()
	replace := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(scheduled) }
	for name, tt := range map[string]struct {
		detailType, detail string
		want               []events.FieldError
	}{
		"missing fields": {
			"WorkflowStarted", replace(`"event_id": "start-core-2026-03-02T20:45:00Z",`, "", `"timestamp": "2026-03-02T20:45:00Z",`, ""),
			[]events.FieldError{{Path: "$.event_id", Problem: "is missing"}, {Path: "$.timestamp", Problem: "is missing"}},
		},
		"empty ids": {
			"WorkflowStarted", replace(`"start-core-2026-03-02T20:45:00Z"`, `""`, `"portfolio_id": "core"`, `"portfolio_id": " "`),
			[]events.FieldError{{Path: "$.event_id", Problem: "is empty"}, {Path: "$.portfolio_id", Problem: "is empty"}},
		},
		"null": {
			"WorkflowStarted", replace(`{},`, `null,`),
			[]events.FieldError{{Path: "$.metadata", Problem: "is null, want an object"}},
		},
		"wrong kinds": {
			"WorkflowStarted", replace(`{},`, `{"a b": 1},`, `"core"`, `7`),
			[]events.FieldError{
				{Path: `$.metadata["a b"]`, Problem: "is 1, want a string"}, {Path: "$.portfolio_id", Problem: "is 7, want a string"},
			},
		},
		"time with an offset": {
			"WorkflowStarted", replace(`"timestamp": "2026-03-02T20:45:00Z"`, `"timestamp": "2026-03-02T15:45:00-05:00"`),
			[]events.FieldError{{Path: "$.timestamp", Problem: `is "2026-03-02T15:45:00-05:00", want a time in UTC, such as "2026-03-02T20:45:00Z"`}},
		},
		"name in another case is another name": {
			"WorkflowStarted", replace(`"portfolio_id"`, `"Portfolio_ID"`),
			[]events.FieldError{{Path: "$.portfolio_id", Problem: "is missing"}},
		},
		"empty optional date": {
			"WorkflowStarted", replace(`"metadata"`, `"trading_date": "", "metadata"`),
			[]events.FieldError{{Path: "$.trading_date", Problem: `is "", want a date, such as "2026-03-02"`}},
		},
		"other detail-type": {
			"WorkflowStarted", replace(`"WorkflowStarted"`, `"WorkflowStopped"`),
			[]events.FieldError{{Path: "$.event_type", Problem: `is "WorkflowStopped", the detail-type is "WorkflowStarted"`}},
		},
		"unknown type": {
			"WorkflowStopped", replace(`"WorkflowStarted"`, `"WorkflowStopped"`),
			[]events.FieldError{{Path: "$.event_type", Problem: `is "WorkflowStopped", which this version does not know`}},
		},
		"version that is none": {
			"WorkflowStarted", replace(`"1.0"`, `"1"`),
			[]events.FieldError{{Path: "$.schema_version", Problem: `is "1", want major.minor such as "1.0"`}},
		},
		"duplicate name": {
			"WorkflowStarted", replace(`"metadata"`, `"event_id": "other", "metadata"`),
			[]events.FieldError{{Path: "$.event_id", Problem: "is malformed at byte 324: duplicate object member name"}},
		},
		"text after the end": {
			"WorkflowStarted", scheduled + "x",
			[]events.FieldError{{Path: "$", Problem: "is malformed at byte 366: invalid character 'x' after top-level value"}},
		},
		"list":    {"WorkflowStarted", `[]`, []events.FieldError{{Path: "$", Problem: "is [], want an object"}}},
		"nothing": {"WorkflowStarted", ``, []events.FieldError{{Path: "$", Problem: "is empty, want an object"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := events.Decode(tt.detailType, []byte(tt.detail))
			var got *events.InvalidError
			if !errors.As(err, &got) {
				t.Fatalf("Decode = %v, want a *InvalidError", err)
			}
			if diff := cmp.Diff(tt.want, got.Fields); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			if code := fault.CodeOf(err); code != fault.Invalid {
				t.Errorf("code is %q, want %q", code, fault.Invalid)
			}
		})
	}
}

func TestDecodeNamesFaultsDeepInThePayload(t *testing.T) {
	t.Parallel()
	detail := strings.NewReplacer(
		`"quantity":"1.234567"`, `"quantity":1.234567`,
		`"liquidate":true`, `"liquidate":"yes"`,
		`"SPY":"0.875"`, `"BRK.B":"8.75e-1"`,
		`"symbol":"BIL"`, `"sign":"BIL"`,
	).Replace(string(encode(t, follow(plan()))))
	_, err := events.Decode("RebalancePlanned", []byte(detail))
	want := `invalid RebalancePlanned: $.targets["BRK.B"] is "8.75e-1", want a decimal in a string, such as "12.5"; ` +
		`$.trades[0].liquidate is "yes", want true or false; ` +
		`$.trades[1].quantity is 1.234567, want a decimal in a string, such as "12.5"; ` +
		`$.kept[0].symbol is missing`
	if err == nil || err.Error() != want {
		t.Errorf("Decode = %v\nwant     %s", err, want)
	}
}

func TestDecodeReadsAnyMinorVersionOfItsMajor(t *testing.T) {
	t.Parallel()
	e, err := events.Decode("WorkflowStarted", []byte(strings.Replace(scheduled, `"1.0"`, `"1.12"`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if e.SchemaVersion != "1.12" {
		t.Errorf("version is %q, want that of the event", e.SchemaVersion)
	}
}

func TestDecodeRefusesAnotherMajorVersionWhateverItsFields(t *testing.T) {
	t.Parallel()
	_, err := events.Decode("WorkflowStarted", []byte(`{"event_type":"WorkflowStarted","schema_version":"2.0"}`))
	var got *events.VersionError
	if !errors.As(err, &got) || got.Version != "2.0" || got.Type != events.TypeWorkflowStarted {
		t.Fatalf("Decode = %v, want a *VersionError of 2.0", err)
	}
	if code := fault.CodeOf(err); code != fault.Invalid {
		t.Errorf("code is %q, want %q: it is never retried", code, fault.Invalid)
	}
}

func TestUnknownFieldsAreForwarded(t *testing.T) {
	t.Parallel()
	detail := strings.Replace(scheduled, `"metadata"`, `"note": {"b": 12345678901234567890, "a": 1.50}, "Metadata": [true], "metadata"`, 1)
	e, err := events.Decode("WorkflowStarted", []byte(detail))
	if err != nil {
		t.Fatal(err)
	}
	got := string(encode(t, e))
	want := `{"event_id":"start-core-2026-03-02T20:45:00Z","event_type":"WorkflowStarted","schema_version":"1.0",` +
		`"correlation_id":"run-core-2026-03-02T20:45:00Z","causation_id":"run-core-2026-03-02T20:45:00Z",` +
		`"timestamp":"2026-03-02T20:45:00.000000Z","source_module":"scheduler","source_component":"schedule","metadata":{},` +
		`"portfolio_id":"core","Metadata":[true],"note":{"b":12345678901234567890,"a":1.50}}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("forwarded (-want +got):\n%s", diff)
	}
}

func TestEncodeRefusesWhatDecodeWouldRefuse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*events.Event)
		want   string
	}{
		"no payload":            {func(e *events.Event) { e.Payload = nil }, "$ has no payload"},
		"pointer to a payload":  {func(e *events.Event) { e.Payload = &events.WorkflowStarted{PortfolioID: "p"} }, "Go type *events.WorkflowStarted"},
		"type without an entry": {func(e *events.Event) { e.Payload = foreign{} }, `$.event_type is "Foreign", which this version does not know`},
		"invalid payload":       {func(e *events.Event) { e.Payload = events.WorkflowStarted{} }, "$.portfolio_id is empty"},
		"no ids":                {func(e *events.Event) { e.ID, e.CorrelationID, e.CausationID = "", "", "" }, "$.event_id is empty; $.correlation_id is empty; $.causation_id is empty"},
		"no source":             {func(e *events.Event) { e.SourceModule = "" }, "$.source_module is empty"},
		"no timestamp": {func(e *events.Event) {
			e.Timestamp = e.Timestamp.AddDate(-2025, -2, -1).Add(-e.Timestamp.Sub(at("00:00:00")))
		}, "$.timestamp is the zero time"},
		"another major version":  {func(e *events.Event) { e.SchemaVersion = "2.0" }, "schema version 2.0"},
		"extra that is a field":  {func(e *events.Event) { e.Extra = map[string]jsonRaw{"metadata": jsonRaw(`{}`)} }, "metadata"},
		"extra that is not JSON": {func(e *events.Event) { e.Extra = map[string]jsonRaw{"x": jsonRaw(`{`)} }, "x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := started()
			tt.change(&e)
			_, err := events.Encode(e, "alchemiser")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("Encode = %v, want it to say %q", err, tt.want)
			}
			if code := fault.CodeOf(err); code != fault.Invalid {
				t.Errorf("code is %q, want %q", code, fault.Invalid)
			}
		})
	}
}

func TestEncodeMendsWhatIsNoFault(t *testing.T) {
	t.Parallel()
	newYork := at("00:00:00").In(fixedZone(-5))
	e := follow(executed())
	p := executed()
	p.SessionClose = p.SessionClose.In(newYork.Location())
	p.Orders[1].Reason = "refused \xff"
	e.Payload, e.Metadata = p, nil
	got := string(encode(t, e))
	for _, want := range []string{
		`"session_close":"2026-03-02T21:00:00.000000Z"`, `"positions_after":[]`, `"metadata":{}`, `"reason":"refused ` + "\ufffd" + `"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("detail is %s, want %s in it", got, want)
		}
	}
	if _, err := events.Decode(string(e.Type()), []byte(got)); err != nil {
		t.Errorf("its own encoding is refused: %v", err)
	}
}
