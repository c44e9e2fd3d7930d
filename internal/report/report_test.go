package report_test

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/report"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestWriteTellsTheWholeStory(t *testing.T) {
	trace, err := report.ParseTrace("1-65000000-000000000000000000000001", []string{
		`{"id":"a","name":"alchemiser-strategy-dev","origin":"AWS::Lambda","start_time":100.0,"end_time":100.2}`,
		`{"id":"b","parent_id":"a","name":"alchemiser-strategy-dev","origin":"AWS::Lambda::Function","start_time":100.01,"end_time":100.2,
		  "subsegments":[{"id":"c","name":"handle","start_time":100.05,"end_time":100.1},
		    {"id":"e","parent_id":"a","name":"DynamoDB","namespace":"aws","start_time":100.1,"end_time":100.11},
		    {"id":"f","name":"DynamoDB","namespace":"aws","start_time":100.12,"end_time":100.13}]}`,
		`{"id":"d","parent_id":"c","name":"alchemiser-monitor-dev","origin":"AWS::Lambda::Function","start_time":100.15,"end_time":100.4,"fault":true}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := report.Write(&out, report.Workflow{
		CorrelationID: "run-main", Timeline: steps(), Events: story(), Trace: trace,
	}); err != nil {
		t.Fatal(err)
	}
	golden(t, "story.txt", out.Bytes())
}

func TestWriteLeavesOutWhatIsNotKnown(t *testing.T) {
	var out bytes.Buffer
	if err := report.Write(&out, report.Workflow{CorrelationID: "run-main"}); err != nil {
		t.Fatal(err)
	}
	if out.Len() != 0 {
		t.Errorf("an unknown workflow is reported as %q, want nothing", out.String())
	}
}

func TestParseTrace(t *testing.T) {
	tests := map[string]struct {
		documents []string
		roots     []string
		complete  bool
	}{
		"a segment without its parent is a root": {
			documents: []string{`{"id":"b","parent_id":"gone","name":"orphan","start_time":1,"end_time":2}`},
			roots:     []string{"orphan"},
		},
		"a segment that was sent twice counts once, the later one": {
			documents: []string{
				`{"id":"a","name":"open","start_time":1,"in_progress":true}`,
				`{"id":"a","name":"closed-monitor","origin":"AWS::Lambda::Function","start_time":1,"end_time":2}`,
			},
			roots:    []string{"closed-monitor"},
			complete: true,
		},
		"a trace with an open span is not complete": {
			documents: []string{
				`{"id":"a","name":"monitor","origin":"AWS::Lambda::Function","start_time":1,"end_time":2}`,
				`{"id":"b","parent_id":"a","name":"open","start_time":1,"in_progress":true}`,
			},
			roots: []string{"monitor"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			trace, err := report.ParseTrace("id", tt.documents)
			if err != nil {
				t.Fatal(err)
			}
			var roots []string
			for _, r := range trace.Roots {
				roots = append(roots, r.Name)
			}
			if diff := cmp.Diff(tt.roots, roots); diff != "" {
				t.Errorf("roots (-want +got):\n%s", diff)
			}
			if got := trace.Complete(); got != tt.complete {
				t.Errorf("Complete() = %t, want %t", got, tt.complete)
			}
		})
	}
}

func TestCoveredIsTheUnionOfWhatLiesBelowTheRoots(t *testing.T) {
	root := `{"id":"r","name":"root","start_time":100,"end_time":110,"subsegments":[%s]}`
	for name, tt := range map[string]struct {
		below string
		want  float64
	}{
		"nothing below":             {"", 0},
		"all of it":                 {`{"id":"a","name":"a","start_time":100,"end_time":110}`, 1},
		"a gap between two":         {`{"id":"a","name":"a","start_time":100,"end_time":103},{"id":"b","name":"b","start_time":105,"end_time":110}`, 0.8},
		"overlaps count once":       {`{"id":"a","name":"a","start_time":100,"end_time":104},{"id":"b","name":"b","start_time":102,"end_time":105}`, 0.5},
		"one inside of another":     {`{"id":"a","name":"a","start_time":100,"end_time":108},{"id":"b","name":"b","start_time":102,"end_time":105}`, 0.8},
		"what outlives the root":    {`{"id":"a","name":"a","start_time":105,"end_time":120}`, 0.75},
		"what began before its own": {`{"id":"a","name":"a","start_time":90,"end_time":100}`, 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			trace, err := report.ParseTrace("id", []string{fmt.Sprintf(root, tt.below)})
			if err != nil {
				t.Fatal(err)
			}
			if got := trace.Covered(); math.Abs(got-tt.want) > 1e-6 {
				t.Errorf("Covered = %v, want %v", got, tt.want)
			}
		})
	}
	if got := (report.Trace{}).Covered(); got != 0 {
		t.Errorf("no trace is covered to %v", got)
	}
}

func TestWriteTraceDrawsBarsOfAWidth(t *testing.T) {
	trace, err := report.ParseTrace("id", []string{
		`{"id":"r","name":"root","start_time":100,"end_time":110,"subsegments":[{"id":"a","name":"half","start_time":105,"end_time":110}]}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	for width, want := range map[int]string{1: " █\n", 2: " ·█\n", 10: " ·····█████\n"} {
		var out bytes.Buffer
		if err := report.WriteTrace(&out, trace, width); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("width %d: %v, want a bar %q in\n%s", width, err, want, out.String())
		}
	}
}

func TestASpanThatIsOpenSaysSo(t *testing.T) {
	trace, err := report.ParseTrace("id", []string{`{"id":"r","name":"under way","start_time":100,"in_progress":true}`})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := report.WriteTrace(&out, trace, 10); err != nil || !strings.Contains(out.String(), "under way …") {
		t.Errorf("an open span: %v\n%s", err, out.String())
	}
}

func TestParseTraceNamesTheBrokenSegment(t *testing.T) {
	if _, err := report.ParseTrace("1-2-3", []string{`{}`, `{"id":`}); err == nil {
		t.Error("a broken segment document was accepted")
	}
}

func steps() []report.Step {
	at := time.Date(2024, 12, 2, 20, 45, 0, 0, time.UTC)
	return []report.Step{
		{At: at, Event: "WorkflowStarted", Source: "scheduler", Summary: "Run of portfolio main"},
		{At: at.Add(120 * time.Millisecond), Event: "SignalGenerated", Source: "strategy", Summary: "2 targets"},
	}
}

func story() []events.Event {
	d := decimal.RequireFromString
	run := events.Run{PortfolioID: "main", AccountID: "PA1", TradingDate: "2024-12-02", SessionClose: time.Date(2024, 12, 2, 21, 0, 0, 0, time.UTC)}
	targets := map[string]decimal.Decimal{"SPY": d("0.75"), "GE": d("0.25")}
	payloads := []events.Payload{
		events.SignalGenerated{Run: run, AsOf: "2024-11-29", Weights: targets, Signals: []events.StrategySignal{{
			Strategy: "Calm", Allocation: d("1"), Weights: targets,
			Reasons: []events.Reason{{Path: "if", Text: "RSI(14) of SPY is 61.2, above 55: then"}},
		}}},
		events.RebalancePlanned{
			Run: run, Equity: d("1234567.891"), Cash: d("1000000"), CashReserve: d("12345.68"),
			Positions: []events.Holding{{Symbol: "T", Quantity: d("600"), Price: d("23"), MarketValue: d("13800")}},
			Trades: []events.Trade{
				{Symbol: "T", Side: market.Sell, Quantity: d("600"), Liquidate: true, ReferencePrice: d("23"), Notional: d("13800"), CurrentWeight: d("0.01118"), TargetWeight: d("0"), Reason: "no longer a target"},
				{Symbol: "SPY", Side: market.Buy, Quantity: d("10.5"), ReferencePrice: d("600"), Notional: d("6300"), TargetWeight: d("0.75"), Reason: "below target"},
			},
			Kept: []events.KeptLine{{Symbol: "GE", Reason: "within 0.50 % of its target"}},
		},
		events.TradeExecuted{
			Run: run, Bought: d("6300.63"), Sold: d("13798"), EquityAfter: d("1234565"), CashAfter: d("-12.5"),
			PositionsAfter: []events.Holding{{Symbol: "SPY", Quantity: d("10.5"), Price: d("600"), MarketValue: d("6300")}},
			Orders: []events.ExecutedOrder{
				{ClientOrderID: "o-1", Symbol: "T", Side: market.Sell, OrderType: "market", ArrivalPrice: d("23"), Quantity: d("600"), FilledQuantity: d("600"), AveragePrice: d("22.9967"), SlippageBps: d("1.4"), Status: events.OrderFilled},
				{ClientOrderID: "o-2", Symbol: "SPY", Side: market.Buy, OrderType: "limit", LimitPrice: d("600.05"), Quantity: d("10.5"), Status: events.OrderRejected, Reason: "halted"},
			},
		},
	}
	es := make([]events.Event, len(payloads))
	for i, p := range payloads {
		es[i] = events.Event{ID: "e", Payload: p}
	}
	return es
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; rewrite with -update):\n%s", path, diff)
	}
}

func TestAlternatingCallsAreJoinedByService(t *testing.T) {
	t.Parallel()
	var calls []string
	for i := range 12 {
		calls = append(calls, fmt.Sprintf(`{"id":"c%d","name":%q,"namespace":"aws","start_time":%d,"end_time":%d}`, i, []string{"DynamoDB", "SSM"}[i%2], 10+i, 11+i))
	}
	trace, err := report.ParseTrace("1-5", []string{`{"id":"a","name":"f","start_time":1,"end_time":99,"subsegments":[` + strings.Join(calls, ",") + `]}`})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := report.Write(&out, report.Workflow{Trace: trace}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "DynamoDB ×6, SSM ×6") {
		t.Errorf("the waterfall is\n%s", out.String())
	}
}
