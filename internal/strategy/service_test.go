package strategy_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/strategy"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

func one(tb testing.TB, out []events.Payload, err error) events.Payload {
	tb.Helper()
	if err != nil {
		tb.Fatalf("Handle: %v", err)
	}
	if len(out) != 1 {
		tb.Fatalf("Handle returned %d payloads, want 1: %v", len(out), out)
	}
	if err := out[0].Validate(); err != nil {
		tb.Fatalf("the payload is not valid: %v", err)
	}
	return out[0]
}

func signalOf(tb testing.TB, out []events.Payload, err error) events.SignalGenerated {
	tb.Helper()
	p := one(tb, out, err)
	s, ok := p.(events.SignalGenerated)
	if !ok {
		tb.Fatalf("Handle returned %#v, want a SignalGenerated", p)
	}
	return s
}

func TestARunNearTheCloseGeneratesSignals(t *testing.T) {
	t.Parallel()
	w := newWorld()
	out, err := w.handle(t, started(events.WorkflowStarted{PortfolioID: "main"}))
	got := signalOf(t, out, err)
	want := events.SignalGenerated{
		Run: events.Run{PortfolioID: "main", AccountID: "ACC1", TradingDate: "2024-12-02", SessionClose: at(16, 0).UTC()},
		// the last bar, not the running day
		AsOf:    "2024-11-29",
		Weights: map[string]decimal.Decimal{"SPY": decimal.RequireFromString("0.875"), "BIL": decimal.RequireFromString("0.125")},
		Signals: []events.StrategySignal{
			{
				Strategy: "trend", Allocation: decimal.RequireFromString("0.75"), HistoryDays: 0,
				Weights: map[string]decimal.Decimal{"SPY": decimal.NewFromInt(1)},
				Options: map[string]string{"rsi": "wilder", "stdev-return": "annualised"},
				Reasons: []events.Reason{{Path: "if", Text: "price of SPY is 604.00, above its moving average(4) at 601.75: then"}},
			},
			{
				Strategy: "cash", Allocation: decimal.RequireFromString("0.25"),
				Weights: map[string]decimal.Decimal{"SPY": decimal.RequireFromString("0.5"), "BIL": decimal.RequireFromString("0.5")},
				Options: map[string]string{"rsi": "wilder", "stdev-return": "annualised"}, Reasons: []events.Reason{},
			},
		},
	}
	for i := range got.Signals {
		if len(got.Signals[i].Digest) != 64 {
			t.Errorf("digest of %s is %q, want a SHA-256", got.Signals[i].Strategy, got.Signals[i].Digest)
		}
		got.Signals[i].Digest = ""
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("signal (-want +got):\n%s", diff)
	}
	if w.prices.until != "2024-11-29" {
		t.Errorf("bars were asked for up to %s, want the session before", w.prices.until)
	}
	key := strategy.RunKey{AccountID: "ACC1", PortfolioID: "main", Date: "2024-12-02"}
	if w.runs.owners[key] != "run-1" {
		t.Errorf("run keys are %v, want run-1 to own %v", w.runs.owners, key)
	}
}

func TestAStartIsSkippedWithItsReasonAndLeavesTheKeyFree(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*world)
		date   market.Date
		reason string
	}{
		"too old": {
			func(w *world) { w.now = published.Add(10*time.Minute + time.Second) }, "",
			"the start is 10m1s old; a run begins within 10m of it",
		},
		"for another date": {func(*world) {}, "2024-12-03", "the run is for 2024-12-03, but today is 2024-12-02 at the exchange"},
		"holiday": {
			func(w *world) { w.broker.now = time.Date(2024, 11, 28, 15, 45, 0, 0, newYork()) }, "",
			"the market is closed: 2024-11-28 is not a trading day",
		},
		"before the open": {
			func(w *world) { w.broker.now = at(9, 0) }, "",
			"the market is closed: it is 09:00, the session of 2024-12-02 is from 09:30 to 16:00",
		},
		"after the close":       {func(w *world) { w.broker.now = at(16, 0) }, "", "the market is closed: it is 16:00"},
		"evening, UTC tomorrow": {func(w *world) { w.broker.now = at(20, 0).UTC() }, "", "the market is closed: it is 20:00, the session of 2024-12-02"},
		"too early":             {func(w *world) { w.broker.now = at(15, 39) }, "", "the close at 16:00 is 21m away; a run begins 5m to 20m before it"},
		"far too early":         {func(w *world) { w.broker.now = at(9, 45) }, "", "the close at 16:00 is 6h15m away"},
		"too late":              {func(w *world) { w.broker.now = at(15, 56) }, "", "the close at 16:00 is 4m away"},
		"a second too early":    {func(w *world) { w.broker.now = at(15, 40).Add(-time.Second) }, "", "the close at 16:00 is 20m1s away"},
		"a second too late":     {func(w *world) { w.broker.now = at(15, 55).Add(time.Second) }, "", "the close at 16:00 is 4m59s away"},
		"a blink too early":     {func(w *world) { w.broker.now = at(15, 40).Add(-time.Nanosecond) }, "", "the close at 16:00 is 20m"},
		"after Thanksgiving": {
			func(w *world) { w.broker.closes, w.broker.now = 13, time.Date(2024, 11, 29, 12, 56, 0, 0, newYork()) }, "",
			"the close at 13:00 is 4m away",
		},
		"early close": {func(w *world) { w.broker.closes = 13 }, "", "the market is closed: it is 15:45, the session of 2024-12-02 is from 09:30 to 13:00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			tt.change(w)
			out, err := w.handle(t, started(events.WorkflowStarted{PortfolioID: "main", TradingDate: tt.date}))
			got, ok := one(t, out, err).(events.WorkflowCompleted)
			if !ok || got.Outcome != events.OutcomeSkipped || got.PortfolioID != "main" || !strings.Contains(got.Reason, tt.reason) {
				t.Errorf("Handle = %+v\nwant skipped: %s", out[0], tt.reason)
			}
			if len(w.runs.owners) != 0 {
				t.Errorf("the run key was claimed: %v", w.runs.owners)
			}
		})
	}
}

func TestARunMayBeginFiveToTwentyMinutesBeforeTheClose(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*world){
		"20 minutes":         func(w *world) { w.broker.now = at(15, 40) },
		"5 minutes":          func(w *world) { w.broker.now = at(15, 55) },
		"early close":        func(w *world) { w.broker.closes, w.broker.now = 13, at(12, 45) },
		"ten minutes old":    func(w *world) { w.now = published.Add(10 * time.Minute) },
		"clock a bit behind": func(w *world) { w.now = published.Add(-time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			change(w)
			out, err := w.handle(t, started(events.WorkflowStarted{PortfolioID: "main-load-7", TradingDate: "2024-12-02"}))
			signalOf(t, out, err)
		})
	}
}

// A run key is one account's, one portfolio's and one day's.
func TestEveryAccountPortfolioAndDayHasItsRun(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for _, next := range []struct{ account, portfolio, workflow string }{
		{"ACC1", "main", "run-1"}, {"ACC2", "main", "run-2"}, {"ACC1", "main-load-1", "run-3"},
	} {
		w.broker.account.ID = next.account
		in := started(events.WorkflowStarted{PortfolioID: next.portfolio})
		in.CorrelationID = next.workflow
		out, err := w.handle(t, in)
		signalOf(t, out, err)
	}
	w.broker.account.ID, w.broker.now = "ACC1", at(15, 45).AddDate(0, 0, 1)
	for symbol, bars := range w.prices.bars {
		w.prices.bars[symbol] = append(bars, market.Bar{Date: "2024-12-02", Close: bars[0].Close})
	}
	in := started(events.WorkflowStarted{PortfolioID: "main"})
	in.CorrelationID = "run-4"
	out, err := w.handle(t, in)
	signalOf(t, out, err)
	if len(w.runs.owners) != 4 {
		t.Errorf("run keys: %v", w.runs.owners)
	}
}

func TestASecondStartIsSkippedAndNamesTheFirst(t *testing.T) {
	t.Parallel()
	w := newWorld()
	first := started(events.WorkflowStarted{PortfolioID: "main"})
	out, err := w.handle(t, first)
	want := signalOf(t, out, err)

	second := first
	second.CorrelationID = "run-2"
	out, err = w.handle(t, second)
	got, ok := one(t, out, err).(events.WorkflowCompleted)
	if !ok || got.Outcome != events.OutcomeSkipped || got.AccountID != "ACC1" || got.TradingDate != "2024-12-02" ||
		got.Reason != "the run of main on 2024-12-02 was begun before, by workflow run-1" {
		t.Errorf("second start: %+v", out[0])
	}

	out, err = w.handle(t, first)
	if diff := cmp.Diff(want, signalOf(t, out, err)); diff != "" {
		t.Errorf("handled again (-first +again):\n%s", diff)
	}
}

func TestFaultsCarryTheirDecision(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*world)
		in     events.Payload
		code   fault.Code
		text   string
	}{
		"another event":   {func(*world) {}, events.SignalGenerated{}, fault.Invalid, "strategy handles WorkflowStarted, not SignalGenerated"},
		"other portfolio": {func(*world) {}, events.WorkflowStarted{PortfolioID: "maintenance"}, fault.Invalid, `portfolio "maintenance" is not shipped`},
		"account blocked": {func(w *world) { w.broker.account.Blocked = true }, nil, fault.Invalid, "the broker has blocked account ACC1"},
		"broker down":     {func(w *world) { w.broker.err = fault.As(fault.Transient, errPort) }, nil, fault.Transient, "read the account: the port is broken"},
		"claim broken":    {func(w *world) { w.runs.err = errPort }, nil, fault.Internal, "claim the run of main on 2024-12-02: the port is broken"},
		"prices broken":   {func(w *world) { w.prices.err = fault.As(fault.Transient, errPort) }, nil, fault.Transient, "read daily bars up to 2024-11-29"},
		"a symbol lags": {
			func(w *world) { w.prices.bars["BIL"] = weekdays("2024-11-25", 91, 91, 91) }, nil, fault.Transient,
			"bars are not all up to 2024-11-29: BIL (2024-11-27)",
		},
		"all symbols lag": {
			func(w *world) {
				w.prices.bars["SPY"], w.prices.bars["BIL"] = weekdays("2024-11-25", 1, 1, 1), weekdays("2024-11-25", 1, 1, 1)
			}, nil, fault.Transient, "the newest bars are of 2024-11-27, the last session was on 2024-11-29",
		},
		"a symbol has no bars": {func(w *world) { delete(w.prices.bars, "BIL") }, nil, fault.Invalid, "no bar up to 2024-11-29 of BIL"},
		"bars out of order": {
			func(w *world) { w.prices.bars["SPY"][1].Date = "2024-11-25" }, nil, fault.Invalid, "bars of SPY: 2024-11-25 after 2024-11-25",
		},
		"history too short": {
			func(w *world) {
				w.prices.bars["SPY"] = weekdays("2024-11-26", 1, 1, 1)
			}, nil, fault.Invalid, "evaluate strategy trend as of 2024-11-29: trend.clj:2:5: if: moving-average-price of SPY with window 4 needs 4 bars of history, there are 3",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			tt.change(w)
			in := tt.in
			if in == nil {
				in = events.WorkflowStarted{PortfolioID: "main"}
			}
			e := started(events.WorkflowStarted{})
			e.Payload = in
			out, err := w.handle(t, e)
			if err == nil {
				t.Fatalf("Handle = %v, want an error", out)
			}
			if fault.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("Handle = %v (%s)\nwant %s (%s)", err, fault.CodeOf(err), tt.text, tt.code)
			}
			var short *symphony.HistoryError
			if name == "history too short" && !errors.As(err, &short) {
				t.Error("the cause is no HistoryError")
			}
		})
	}
}

func TestConfigIsCheckedWhole(t *testing.T) {
	t.Parallel()
	_, err := strategy.New(strategy.Config{})
	for _, want := range []string{"broker", "prices", "runs", "strategies", "now"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New = %v, want it to name %s", err, want)
		}
	}
}

func TestWarningsOfAllSymphoniesAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.files["cash.clj"].Data = []byte(`(defsymphony "Cash" {:asset-class "EQUITIES"} (weight-specified 0.5 (asset "BIL" nil) 0.4 (asset "SPY" nil)))`)
	s, err := strategy.New(w.config())
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Warnings(); len(got) != 1 || !strings.HasPrefix(got[0], "cash.clj:1:47: ") || !strings.Contains(got[0], "0.9") {
		t.Errorf("warnings %q", got)
	}
}
