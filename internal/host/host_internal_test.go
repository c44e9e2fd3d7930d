package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/consumer/consumertest"
	"github.com/the-alchemiser/alchemiser/internal/functions"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// published is a bus that only notes the ids of what is published.
type published struct{ ids []string }

func (p *published) Publish(_ context.Context, es ...events.Event) error {
	for _, e := range es {
		p.ids = append(p.ids, e.ID)
	}
	return nil
}

// silent is a logger that counts its lines.
type silent struct{ lines *int }

func (s silent) With(ctx context.Context, _ map[string]string) context.Context { return ctx }
func (s silent) Info(context.Context, string, map[string]string)               { *s.lines++ }
func (s silent) Error(context.Context, string, error, map[string]string)       { *s.lines++ }

// newHost returns a host of two functions at a moment: strategy answers starts, monitor sees all.
func newHost(now time.Time) (*Host, *published) {
	p, lines := &published{}, 0
	return &Host{
		cfg: Config{
			Mode: bus.ModeMemory, Portfolios: []string{"main"}, Now: func() time.Time { return now },
			Logger: func(string) consumer.Logger { return silent{&lines} },
		},
		claims:   &consumertest.Memory{},
		route:    &route{publisher: p},
		services: []service{{functions.NameStrategy, []events.Type{events.TypeWorkflowStarted}}, {functions.NameMonitor, nil}},
	}, p
}

// claim stores what came of an event at a function.
func (h *Host) claim(t *testing.T, function string, e events.Event, status consumer.Status, closed bool, outbox ...events.Event) {
	t.Helper()
	key := consumer.Key{Function: function, EventID: e.ID}
	c := consumer.Claim{Key: key, Token: function + e.ID, Status: status, Closed: closed, Round: 1}
	if _, err := h.claims.Swap(t.Context(), "", c, outbox); err != nil {
		t.Fatal(err)
	}
}

func utc(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return at.UTC()
}

func TestScheduleIsTerraforms(t *testing.T) {
	for _, tt := range []struct{ now, last, next string }{
		{"2026-03-02T20:44:59Z", "2026-03-02T17:45:00Z", "2026-03-02T20:45:00Z"},
		{"2026-03-02T20:45:00Z", "2026-03-02T20:45:00Z", "2026-03-03T17:45:00Z"},
		{"2026-03-06T23:00:00Z", "2026-03-06T20:45:00Z", "2026-03-09T16:45:00Z"}, // over a weekend into daylight saving
		{"2026-11-02T12:00:00Z", "2026-10-30T19:45:00Z", "2026-11-02T17:45:00Z"}, // and out of it
		{"2026-12-31T23:00:00Z", "2026-12-31T20:45:00Z", "2027-01-01T17:45:00Z"},
	} {
		last, err := lastStart(utc(tt.now))
		if err != nil || !last.Equal(utc(tt.last)) {
			t.Errorf("last start at %s is %s, %v, want %s", tt.now, last, err, tt.last)
		}
		next, err := nextStart(utc(tt.now))
		if err != nil || !next.Equal(utc(tt.next)) {
			t.Errorf("next start after %s is %s, %v, want %s", tt.now, next, err, tt.next)
		}
	}
}

// The detail is the one that terraform/modules/schedule has as a template: the same event whoever publishes it.
func TestAScheduledStartIsTheOneOfEventBridgeScheduler(t *testing.T) {
	wire, err := events.Encode(scheduled("main", utc("2026-03-02T20:45:00Z")), "alchemiser")
	if err != nil {
		t.Fatal(err)
	}
	const at = "2026-03-02T20:45:00Z"
	terraforms, err := events.Decode("WorkflowStarted", []byte(`{
		"event_id": "start-main-`+at+`", "event_type": "WorkflowStarted", "schema_version": "1.0",
		"correlation_id": "run-main-`+at+`", "causation_id": "run-main-`+at+`", "timestamp": "`+at+`",
		"source_module": "scheduler", "source_component": "schedule", "metadata": {}, "portfolio_id": "main"}`))
	if err != nil {
		t.Fatal(err)
	}
	want, err := events.Encode(terraforms, "alchemiser")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, wire); d != "" {
		t.Errorf("start (-Scheduler +ours):\n%s", d)
	}
}

func TestTakeUp(t *testing.T) {
	const tick = "2026-03-02T20:45:00Z"
	start := scheduled("main", utc(tick))
	signal := events.Follow(start, 0, events.WorkflowCompleted{PortfolioID: "main", Outcome: events.OutcomeSkipped, Reason: "closed"}, events.Origin{Module: "strategy"}, utc(tick))
	tests := map[string]struct {
		now  string
		mode bus.Mode
		left func(*Host)
		want []string
	}{
		"a start that nobody has seen is made up for": {now: "2026-03-02T20:49:00Z", want: []string{start.ID}},
		"but not when it is too late":                 {now: "2026-03-02T20:51:00Z"},
		"nor where Scheduler starts":                  {now: "2026-03-02T20:49:00Z", mode: bus.ModeEventBridge},
		"what strategy was at is delivered again, however late": {
			now: "2026-03-02T21:30:00Z", left: func(h *Host) { h.claim(t, "strategy", start, consumer.StatusRunning, false) }, want: []string{start.ID},
		},
		"what follows from it, if that alone is left": {
			now: "2026-03-02T20:46:00Z", left: func(h *Host) {
				h.claim(t, "strategy", start, consumer.StatusDone, false, signal)
				h.claim(t, "monitor", start, consumer.StatusDone, false)
			}, want: []string{signal.ID},
		},
		"both, if the monitor has seen neither": {
			now: "2026-03-02T20:46:00Z", left: func(h *Host) { h.claim(t, "strategy", start, consumer.StatusDone, false, signal) },
			want: []string{start.ID, signal.ID},
		},
		"nothing if all is done": {
			now: "2026-03-02T20:46:00Z", left: func(h *Host) {
				h.claim(t, "strategy", start, consumer.StatusDone, false, signal)
				h.claim(t, "monitor", start, consumer.StatusDone, false)
				h.claim(t, "monitor", signal, consumer.StatusDone, false)
			},
		},
		"nothing of a failure that was announced: that takes a redrive": {
			now: "2026-03-02T20:46:00Z", left: func(h *Host) {
				h.claim(t, "strategy", start, consumer.StatusRunning, true)
				h.claim(t, "monitor", start, consumer.StatusDone, false)
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h, got := newHost(utc(tt.now))
			if tt.mode != "" {
				h.cfg.Mode = tt.mode
			}
			if tt.left != nil {
				tt.left(h)
			}
			if err := h.takeUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.ids, tt.want) {
				t.Errorf("published %v, want %v", got.ids, tt.want)
			}
		})
	}
}

// A restart must not wait for the lease of a delivery that died with the process: execution's is ten minutes.
func TestDeliveriesOfTheProcessBeforeAreDeadAndThoseOfFunctionsAreNot(t *testing.T) {
	for owner, released := range map[string]bool{ownDelivery + "request": true, "request-of-lambda": false} {
		h, _ := newHost(utc("2026-03-02T20:46:00Z"))
		start := scheduled("main", utc("2026-03-02T20:45:00Z"))
		key := consumer.Key{Function: functions.NameStrategy, EventID: start.ID}
		c := consumer.Claim{Key: key, Token: "t", Status: consumer.StatusRunning, Owner: owner, Lease: h.cfg.Now().Add(time.Minute), Round: 1}
		if _, err := h.claims.Swap(t.Context(), "", c, nil); err != nil {
			t.Fatal(err)
		}
		if err := h.takeUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, _, err := h.claims.Get(t.Context(), key)
		if err != nil || got.Lease.After(h.cfg.Now()) == released {
			t.Errorf("claim of %s: leased until %s, %v; want released: %t", owner, got.Lease, err, released)
		}
	}
}

func TestAStartByHandGoesOnUntilItIsDone(t *testing.T) {
	h, got := newHost(utc("2026-03-02T20:45:00Z"))
	first, resumed, err := h.StartNow(t.Context(), "main")
	if err != nil || resumed || first != "run-main-2026-03-02-by-hand-1" {
		t.Fatalf("StartNow = %q, %t, %v", first, resumed, err)
	}
	again, resumed, err := h.StartNow(t.Context(), "main") // nobody has handled it: the process died
	if err != nil || !resumed || again != first {
		t.Fatalf("StartNow = %q, %t, %v, want to go on with %s", again, resumed, err, first)
	}
	start := byHand("main", 1, h.cfg.Now())
	h.claim(t, "strategy", start, consumer.StatusDone, false)
	h.claim(t, "monitor", start, consumer.StatusDone, false)
	second, resumed, err := h.StartNow(t.Context(), "main")
	if err != nil || resumed || second != "run-main-2026-03-02-by-hand-2" {
		t.Fatalf("StartNow = %q, %t, %v, want a new run", second, resumed, err)
	}
	if want := []string{start.ID, start.ID, byHand("main", 2, h.cfg.Now()).ID}; !slices.Equal(got.ids, want) {
		t.Errorf("published %v, want %v", got.ids, want)
	}
}

// A watchdog that takes long, at the very moment of a start or before it, must not make the process forget the start.
func TestServeMissesNoStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, got := newHost(time.Time{})
		h.cfg.Now = time.Now // the bubble begins on 1 January 2000, a Saturday, at midnight UTC
		h.lock = hold(t, h.claims, "this process")
		h.watchdog = func(context.Context) error { time.Sleep(3 * time.Minute); return errors.New("slow") }
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error)
		go func() { served <- h.Serve(ctx) }()
		time.Sleep(4 * 24 * time.Hour)
		stop()
		if err := <-served; err != nil {
			t.Errorf("Serve = %v after it was asked to end", err)
		}
		want := []string{
			"start-main-2000-01-03T17:45:00Z", "start-main-2000-01-03T20:45:00Z", "start-main-2000-01-04T17:45:00Z", "start-main-2000-01-04T20:45:00Z",
		}
		if !slices.Equal(got.ids, want) {
			t.Errorf("published %v, want %v", got.ids, want)
		}
		if err := h.lock.release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestServeEndsWhenTheLockIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := newHost(time.Time{})
		h.cfg.Now = time.Now
		claims := newClaims()
		h.claims = claims
		h.lock = hold(t, claims, "this process")
		claims.down.Store(true)
		if err := h.Serve(t.Context()); err == nil || !strings.Contains(err.Error(), "throttled") {
			t.Errorf("Serve = %v, want why the lock was lost", err)
		}
	})
}

func TestEveryPortfolioIsStartedAtItsTime(t *testing.T) {
	h, got := newHost(utc("2026-03-02T20:45:00Z"))
	h.cfg.Portfolios = []string{"main", "main-2"}
	if err := h.startAll(t.Context(), utc("2026-03-02T20:45:00Z")); err != nil {
		t.Fatal(err)
	}
	if want := []string{"start-main-2026-03-02T20:45:00Z", "start-main-2-2026-03-02T20:45:00Z"}; fmt.Sprint(got.ids) != fmt.Sprint(want) {
		t.Errorf("published %v, want %v", got.ids, want)
	}
}
