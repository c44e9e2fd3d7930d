package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/internal/store"
	"github.com/the-alchemiser/alchemiser/internal/strategy"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func fixed(t time.Time) func() time.Time { return func() time.Time { return t } }

// forgetful loses the reply of every second write after it was done and repeats it, as the SDK does, and serves small
// pages.
type forgetful struct {
	*dynamodb.Client
	page   int32 // 0 is 1
	mu     sync.Mutex
	writes int
}

func (f *forgetful) lose() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes++
	return f.writes%2 == 1
}

func (f *forgetful) PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	if f.lose() {
		_, _ = f.Client.PutItem(ctx, in, opts...)
	}
	return f.Client.PutItem(ctx, in, opts...)
}

func (f *forgetful) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if f.lose() {
		_, _ = f.Client.TransactWriteItems(ctx, in, opts...)
	}
	return f.Client.TransactWriteItems(ctx, in, opts...)
}

func (f *forgetful) Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	in.Limit = aws.Int32(max(1, f.page))
	return f.Client.Query(ctx, in, opts...)
}

func TestPlanIsClaimedOnceForEver(t *testing.T) {
	s := newStore(t, &forgetful{Client: dynamo(t)}, fixed(noon))
	key := execution.PlanKey{AccountID: "account", PortfolioID: "main", Date: "2026-03-02"}
	for _, claimant := range []string{"plan-1", "plan-1", "plan-2", "plan-1"} {
		if owner, err := s.ClaimPlan(t.Context(), key, claimant); owner != "plan-1" || err != nil {
			t.Errorf("%s claims: owner %q, %v, want plan-1", claimant, owner, err)
		}
	}
	key.PortfolioID = "other"
	if owner, err := s.ClaimPlan(t.Context(), key, "plan-2"); owner != "plan-2" || err != nil {
		t.Errorf("another portfolio: owner %q, %v, want plan-2", owner, err)
	}
}

func TestRunIsClaimedOnceADay(t *testing.T) {
	tests := map[string]struct {
		first monitor.State // where the first run stands; empty if it has recorded nothing
		stall bool
		plan  bool
		owner string
	}{
		"while it has recorded nothing":     {"", false, false, "run-1"},
		"while it is running":               {monitor.StateRunning, false, false, "run-1"},
		"when it is completed":              {monitor.StateCompleted, false, true, "run-1"},
		"when it has failed with a plan":    {monitor.StateFailed, false, true, "run-1"},
		"unless it failed before any order": {monitor.StateFailed, false, false, "run-2"},
		"unless it stalled before an order": {monitor.StateRunning, true, false, "run-2"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, &forgetful{Client: dynamo(t)}, fixed(noon))
			key := strategy.RunKey{AccountID: "account", PortfolioID: "main", Date: "2026-03-02"}
			claim(t, s, key, "run-1", "run-1")
			if tt.first != "" {
				record(t, s, entry("run-1", "event-1", noon, tt.first))
			}
			if tt.stall {
				check(t, s.MarkStalled(t.Context(), "run-1"))
			}
			if tt.plan {
				_, err := s.ClaimPlan(t.Context(), execution.PlanKey(key), "plan-1")
				check(t, err)
			}
			claim(t, s, key, "run-2", tt.owner)
			claim(t, s, key, "run-1", tt.owner)
			claim(t, s, key, "run-3", tt.owner)
		})
	}
}

func claim(t *testing.T, s *store.Store, key strategy.RunKey, claimant, want string) {
	t.Helper()
	if owner, err := s.ClaimRun(t.Context(), key, claimant); owner != want || err != nil {
		t.Errorf("%s claims: owner %q, %v, want %s", claimant, owner, err, want)
	}
}

func TestOfManyRunsOneTakesOverAFailedOne(t *testing.T) {
	s := newStore(t, dynamo(t), fixed(noon))
	key := strategy.RunKey{AccountID: "account", PortfolioID: "main", Date: "2026-03-02"}
	claim(t, s, key, "failed", "failed")
	record(t, s, entry("failed", "event-1", noon, monitor.StateFailed))
	told := make([]string, 8)
	var group sync.WaitGroup
	for i := range told {
		group.Go(func() {
			owner, err := s.ClaimRun(t.Context(), key, fmt.Sprintf("run-%d", i))
			if err != nil {
				t.Error(err)
			}
			told[i] = owner
		})
	}
	group.Wait()
	slices.Sort(told)
	if all := slices.Compact(told); len(all) != 1 || !strings.HasPrefix(all[0], "run-") {
		t.Errorf("the claimants were told %v, want one of them", all)
	}
}

func TestLedgerKeepsOrders(t *testing.T) {
	s := newStore(t, &forgetful{Client: dynamo(t)}, fixed(noon))
	if _, found, err := s.Order(t.Context(), "order-1"); found || err != nil {
		t.Fatalf("an order that nobody stored: %t, %v", found, err)
	}
	o := order()
	check(t, s.PutOrder(t.Context(), o))
	check(t, s.PutOrder(t.Context(), o))
	o.State, o.Filled, o.Fills, o.BrokerID = execution.StatePartiallyFilled, dec("0.123456789"), 1, "broker-1"
	check(t, s.PutOrder(t.Context(), o))
	got, found, err := s.Order(t.Context(), "order-1")
	if err != nil || !found {
		t.Fatalf("read: %t, %v", found, err)
	}
	if d := cmp.Diff(o, got); d != "" {
		t.Errorf("stored and read differ (-want +got):\n%s", d)
	}
}

func TestLedgerLosesNoKnowledge(t *testing.T) {
	type knowledge struct {
		state  execution.State
		filled string
	}
	tests := map[string]struct {
		before, after knowledge
		refused       bool
	}{
		"a larger fill replaces a smaller":      {knowledge{execution.StatePartiallyFilled, "9"}, knowledge{execution.StatePartiallyFilled, "10"}, false},
		"a smaller fill is refused":             {knowledge{execution.StatePartiallyFilled, "10"}, knowledge{execution.StatePartiallyFilled, "9"}, true},
		"an open state after the end":           {knowledge{execution.StateCancelled, "1"}, knowledge{execution.StateWorking, "1"}, true},
		"a fill that overtakes a cancel":        {knowledge{execution.StateCancelled, "1"}, knowledge{execution.StateFilled, "2"}, false},
		"the end with less than was seen":       {knowledge{execution.StatePartiallyFilled, "2"}, knowledge{execution.StateCancelled, "1"}, true},
		"the same again":                        {knowledge{execution.StateFilled, "2"}, knowledge{execution.StateFilled, "2.0"}, false},
		"an open state with a smaller quantity": {knowledge{execution.StateFilled, "2"}, knowledge{execution.StateNew, "0"}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, &forgetful{Client: dynamo(t)}, fixed(noon))
			o := order()
			o.State, o.Filled = tt.before.state, dec(tt.before.filled)
			check(t, s.PutOrder(t.Context(), o))
			o.State, o.Filled = tt.after.state, dec(tt.after.filled)
			err := s.PutOrder(t.Context(), o)
			if refused := fault.CodeOf(err) == fault.Transient; refused != tt.refused || err != nil && !refused {
				t.Fatalf("PutOrder = %v, refused should be %t", err, tt.refused)
			}
			want := tt.after
			if tt.refused {
				want = tt.before
			}
			got, _, err := s.Order(t.Context(), o.ClientID)
			if err != nil || got.State != want.state || !got.Filled.Equal(dec(want.filled)) {
				t.Errorf("the ledger has %s with %s filled, %v, want %+v", got.State, got.Filled, err, want)
			}
		})
	}
}

// A write that was on its way when its process died arrives after the next attempt has seen more: it changes neither the order
// nor its fill.
func TestALateWriteLeavesTheFillsAsTheyAre(t *testing.T) {
	client := dynamo(t)
	s := newStore(t, &forgetful{Client: client}, fixed(noon))
	write := func(quantity string) error {
		o := order()
		o.State, o.Filled, o.Fills = execution.StatePartiallyFilled, dec(quantity), 1
		return s.PutOrder(t.Context(), o, execution.Fill{ClientID: o.ClientID, Number: 1, Quantity: dec(quantity), Price: dec("10.25"), At: noon})
	}
	check(t, write("0.3"))
	if err := write("0.1"); fault.CodeOf(err) != fault.Transient {
		t.Errorf("the late write ends with %v, want a transient error", err)
	}
	out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(table), Key: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: "ORDER#order-1"}, "sk": &types.AttributeValueMemberS{Value: "FILL#1"},
	}})
	check(t, err)
	if got := str(out.Item["quantity"]); got != "0.3" {
		t.Errorf("the fill is of %q, want 0.3", got)
	}
}

func TestOfManyWritesToAnOrderTheLargestFillStays(t *testing.T) {
	s := newStore(t, dynamo(t), fixed(noon))
	for n := range 10 {
		o := order()
		o.ClientID, o.State = fmt.Sprintf("order-%d", n), execution.StatePartiallyFilled
		var group sync.WaitGroup
		for filled := range 8 {
			group.Go(func() {
				o := o
				o.Filled = decimal.NewFromInt(int64(filled))
				if err := s.PutOrder(t.Context(), o); err != nil && fault.CodeOf(err) != fault.Transient {
					t.Error(err)
				}
			})
		}
		group.Wait()
		got, _, err := s.Order(t.Context(), o.ClientID)
		if err != nil || !got.Filled.Equal(dec("7")) {
			t.Errorf("the ledger has %s filled, %v, want 7", got.Filled, err)
		}
	}
}

func TestOnlyClaimsAndOutboxExpireAndMoneyIsText(t *testing.T) {
	client := dynamo(t)
	s := newStore(t, client, fixed(noon))
	c := consumer.Claim{Key: consumer.Key{Function: "strategy", EventID: "event-1"}, Token: "one", Status: consumer.StatusCommitted, Lease: noon, Round: 1}
	_, err := s.Swap(t.Context(), "", c, []events.Event{{
		ID: "event-2", CorrelationID: "run-1", CausationID: "event-1", SchemaVersion: events.SchemaVersion, Timestamp: noon,
		SourceModule: "strategy", Payload: events.WorkflowStarted{PortfolioID: "main"},
	}})
	check(t, err)
	claim(t, s, strategy.RunKey{AccountID: "account", PortfolioID: "main", Date: "2026-03-02"}, "run-1", "run-1")
	_, err = s.ClaimPlan(t.Context(), execution.PlanKey{AccountID: "account", PortfolioID: "main", Date: "2026-03-02"}, "plan-1")
	check(t, err)
	check(t, s.PutOrder(t.Context(), order(), execution.Fill{ClientID: "order-1", Number: 1, Quantity: dec("0.1"), Price: dec("10.25"), At: noon}))
	record(t, s, entry("run-1", "event-1", noon, monitor.StateRunning))

	out, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String(table)})
	check(t, err)
	var keys []string
	for _, item := range out.Items {
		key := str(item["pk"]) + "|" + str(item["sk"])
		keys = append(keys, key)
		ttl, expires := item["ttl"].(*types.AttributeValueMemberN)
		if expires != strings.HasPrefix(key, "CLAIM#") {
			t.Errorf("%s expires: %t", key, expires)
		}
		if want := fmt.Sprint(noon.Add(7 * 24 * time.Hour).Unix()); expires && ttl.Value != want {
			t.Errorf("%s expires at %s, want %s", key, ttl.Value, want)
		}
		for _, money := range []string{"quantity", "limit", "filled", "average_price", "price", "arrival_price"} {
			if v, ok := item[money]; ok && str(v) == "" {
				t.Errorf("%s: %s is not text but %T", key, money, v)
			}
		}
	}
	slices.Sort(keys)
	want := []string{
		"CLAIM#strategy#event-1|CLAIM", "CLAIM#strategy#event-1|OUT#0", "DAY#2026-03-02|WF#run-1", "ORDER#order-1|FILL#1",
		"ORDER#order-1|ORDER", "PLAN#account#main#2026-03-02|PLAN", "RUN#account#main#2026-03-02|RUN",
		"WF#run-1|EV#2026-03-02T12:00:00.000000Z#event-1",
	}
	if d := cmp.Diff(want, keys); d != "" {
		t.Errorf("keys (-want +got):\n%s", d)
	}
}

func TestErrorsSayWhetherTryingAgainMayHelp(t *testing.T) {
	client := dynamo(t)
	s, err := store.New(store.Config{Client: client, Table: "missing", Now: fixed(noon)})
	check(t, err)
	_, _, err = s.Order(t.Context(), "order-1")
	if got := fault.CodeOf(err); got != fault.Internal {
		t.Errorf("a table that does not exist: %v is %s, want internal", err, got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := newStore(t, client, fixed(noon)).PutOrder(ctx, order()); fault.CodeOf(err) != fault.Transient || !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context: %v is %s, want transient", err, fault.CodeOf(err))
	}
}

func TestTimeline(t *testing.T) {
	late := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
	tests := map[string]struct {
		entries []monitor.Entry
		want    monitor.State
	}{
		"running":                                  {[]monitor.Entry{entry("run", "1", late(1), monitor.StateRunning)}, monitor.StateRunning},
		"completed":                                {[]monitor.Entry{entry("run", "1", late(1), monitor.StateRunning), entry("run", "2", late(2), monitor.StateCompleted)}, monitor.StateCompleted},
		"the end wins among equals":                {[]monitor.Entry{entry("run", "9", late(1), monitor.StateRunning), entry("run", "1", late(1), monitor.StateCompleted)}, monitor.StateCompleted},
		"resumed after a failure":                  {[]monitor.Entry{entry("run", "1", late(1), monitor.StateFailed), entry("run", "2", late(2), monitor.StateRunning), entry("run", "3", late(3), monitor.StateRunning)}, monitor.StateResumed},
		"completed after a resumption":             {[]monitor.Entry{entry("run", "1", late(1), monitor.StateFailed), entry("run", "2", late(2), monitor.StateRunning), entry("run", "3", late(3), monitor.StateCompleted)}, monitor.StateCompleted},
		"completed before a failure was announced": {[]monitor.Entry{entry("run", "1", late(1), monitor.StateRunning), entry("run", "2", late(2), monitor.StateCompleted), entry("run", "3", late(3), monitor.StateFailed)}, monitor.StateCompleted},
		"a replay changes nothing":                 {[]monitor.Entry{entry("run", "1", late(1), monitor.StateFailed), entry("run", "replay/r", late(9), monitor.StateReplayed)}, monitor.StateFailed},
		"nor of one that runs":                     {[]monitor.Entry{entry("run", "1", late(1), monitor.StateRunning), entry("run", "replay/r", late(9), monitor.StateReplayed)}, monitor.StateRunning},
		"failed, and failed again later":           {[]monitor.Entry{entry("run", "1", late(1), monitor.StateFailed), entry("run", "2", late(2), monitor.StateRunning), entry("run", "3", late(3), monitor.StateFailed)}, monitor.StateFailed},
	}
	s := newStore(t, &forgetful{Client: dynamo(t), page: 20}, fixed(noon))
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom(slices.Sorted(maps.Keys(tests))).Draw(rt, "case")
		tt := tests[name]
		runs++
		run := fmt.Sprintf("run-%d", runs)
		// Every entry comes twice, in any order and at once.
		var group sync.WaitGroup
		for _, e := range rapid.Permutation(append(slices.Clone(tt.entries), tt.entries...)).Draw(rt, "order") {
			e.CorrelationID = run
			group.Go(func() {
				if _, err := s.Record(t.Context(), e); err != nil {
					rt.Error(err)
				}
			})
		}
		group.Wait()
		told, err := s.Timeline(t.Context(), run)
		if err != nil || len(told) != len(tt.entries) {
			rt.Errorf("%s: the timeline has %d entries, %v, want %d", name, len(told), err, len(tt.entries))
		}
		// What lives is found by the watchdog, what has ended is not.
		living, err := s.Stalled(t.Context(), noon.Add(time.Hour))
		if err != nil {
			rt.Fatal(err)
		}
		i := slices.IndexFunc(living, func(w monitor.Workflow) bool { return w.CorrelationID == run })
		switch {
		case tt.want.Terminal() != (i < 0):
			rt.Errorf("%s: the workflow is found: %t, want %s", name, i >= 0, tt.want)
		case i >= 0 && living[i].State != tt.want:
			rt.Errorf("%s: the workflow is %s, want %s", name, living[i].State, tt.want)
		}
		check(t, s.MarkStalled(t.Context(), run)) // out of the way
	})
}

func TestWatchdogFindsTheSilent(t *testing.T) {
	now := noon.AddDate(0, 0, -1)
	s := newStore(t, &forgetful{Client: dynamo(t)}, func() time.Time { return now })
	record(t, s, entry("yesterday", "1", now, monitor.StateRunning))
	now = noon
	record(t, s, entry("old", "1", noon.Add(-time.Hour), monitor.StateRunning))
	record(t, s, entry("young", "1", noon, monitor.StateRunning))
	record(t, s, entry("completed", "1", noon.Add(-time.Hour), monitor.StateCompleted))

	if got := names(t, s, noon); got != "yesterday old" {
		t.Errorf("stalled: %s, want yesterday old", got)
	}
	check(t, s.MarkStalled(t.Context(), "old"))
	check(t, s.MarkStalled(t.Context(), "old"))
	check(t, s.MarkStalled(t.Context(), "completed"))
	check(t, s.MarkStalled(t.Context(), "unknown"))
	if got := names(t, s, noon); got != "yesterday" {
		t.Errorf("stalled: %s, want yesterday alone", got)
	}
	record(t, s, entry("old", "2", noon.Add(-time.Minute), monitor.StateRunning))
	got, err := s.Stalled(t.Context(), noon)
	check(t, err)
	if len(got) != 2 || got[1].CorrelationID != "old" || got[1].State != monitor.StateResumed {
		t.Errorf("after a new entry: %+v, want old resumed", got)
	}
}

func TestAWorkflowStandsUnderTheDayOfItsFirstEntry(t *testing.T) {
	now := noon
	s := newStore(t, &forgetful{Client: dynamo(t)}, func() time.Time { return now })
	record(t, s, entry("run", "1", noon, monitor.StateRunning))
	now = noon.AddDate(0, 0, 1)
	after, err := s.Record(t.Context(), entry("run", "2", now, monitor.StateCompleted))
	check(t, err)
	want := monitor.Workflow{
		CorrelationID: "run", PortfolioID: "main", TradingDate: "2026-03-02", State: monitor.StateCompleted, StartedAt: noon, UpdatedAt: now,
		LastSummary: "something happened",
	}
	if d := cmp.Diff(want, after); d != "" {
		t.Errorf("what Record returns (-want +got):\n%s", d)
	}
	day, err := s.Day(t.Context(), market.DateOf(noon))
	check(t, err)
	if d := cmp.Diff([]monitor.Workflow{want}, day); d != "" {
		t.Errorf("the day of the first entry (-want +got):\n%s", d)
	}
	if later, err := s.Day(t.Context(), market.DateOf(now)); err != nil || len(later) != 0 {
		t.Errorf("the day after has %+v, %v, want nothing", later, err)
	}
}

func names(t *testing.T, s *store.Store, before time.Time) string {
	t.Helper()
	found, err := s.Stalled(t.Context(), before)
	check(t, err)
	var ids []string
	for _, w := range found {
		ids = append(ids, w.CorrelationID)
	}
	return strings.Join(ids, " ")
}

func entry(correlationID, id string, at time.Time, state monitor.State) monitor.Entry {
	return monitor.Entry{
		EventID: id, CorrelationID: correlationID, CausationID: "cause", Type: events.TypeWorkflowStarted, At: at, Source: "strategy",
		PortfolioID: "main", TradingDate: "2026-03-02", Summary: "something happened", State: state,
	}
}

func record(t *testing.T, s *store.Store, e monitor.Entry) {
	t.Helper()
	_, err := s.Record(t.Context(), e)
	check(t, err)
}

func order() execution.Order {
	return execution.Order{
		OrderRequest: execution.OrderRequest{
			ClientID: "order-1", Symbol: "SPY", Side: market.Buy, Type: execution.OrderLimit, Quantity: dec("1.5"), Limit: dec("600.12"),
		},
		State: execution.StateNew, PlanID: "plan-1", AccountID: "account", PortfolioID: "main", TradingDate: "2026-03-02",
		CorrelationID: "run-1", SubmittedAt: noon, ArrivalPrice: dec("600.1"), Step: 1, Cause: execution.CauseStep,
	}
}

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func str(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
