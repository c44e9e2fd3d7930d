package simulation_test

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/broker/paper"
	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/deadletter"
	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/internal/functions"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/internal/nyse"
	"github.com/the-alchemiser/alchemiser/internal/portfolio"
	"github.com/the-alchemiser/alchemiser/internal/store"
	"github.com/the-alchemiser/alchemiser/internal/strategy"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/bus/lambdabus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// world is one account with one portfolio for a few trading days: the real functions on simulated services. All that
// happens in it follows from its seed.
type world struct {
	*scheduler
	seed      uint64
	portfolio string
	calendar  *nyse.Calendar
	rates     rates
	table     *table
	store     *store.Store
	exchange  *exchange
	cloud     *cloud
	trading   bool // the kill switch
	// working is who handles which event at the moment, by function and event id.
	working map[string]*actor
	// stray are the requests that took effect when nobody waited for them any more.
	stray map[string]bool
	// digests are the mails that were sent.
	digests []string
}

// startingCash is in US dollars.
const startingCash = 50_000

// newWorld makes the world of a seed. It is to be called in a bubble, whose time it sets.
func newWorld(seed uint64, calendar *nyse.Calendar, trace func(string)) *world {
	w := &world{
		scheduler: newScheduler(seed, trace), seed: seed, portfolio: fmt.Sprintf("main-%d", seed), calendar: calendar,
		trading: true, working: map[string]*actor{}, stray: map[string]bool{},
	}
	w.rates = usual().times([]float64{0.1, 0.3, 0.6, 1, 2}[w.rng.IntN(5)])
	days := w.drawDays()
	t := newTape(w.rng, calendar, days)
	time.Sleep(time.Until(t.morning(days[0])))
	w.table = newTable(w.call)
	w.store = must(store.New(store.Config{Client: w.table, Table: "state", Now: time.Now}))
	w.exchange = newExchange(w, must(paper.New(paper.Config{
		Prices: t, Cash: decimal.NewFromInt(startingCash), Positions: startingPositions(), SpreadBps: decimal.NewFromInt(5),
		Fills: []paper.Fills{paper.FillsInstant, paper.FillsBook}[w.rng.IntN(2)],
	})))
	w.exchange.control("/_control/clock", fmt.Sprintf(`{"now":%q,"running":true}`, time.Now().Format(time.RFC3339Nano)))
	w.cloud = &cloud{world: w}
	w.wire()
	w.plan(days)
	return w
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// wire puts the functions together as internal/functions does, with the time-outs of Terraform.
func (w *world) wire() {
	trades := must(strategy.New(strategy.Config{
		Broker: w.exchange, Prices: w.exchange, Runs: w.store, Strategies: strategies(), Now: time.Now,
	}))
	plans := must(portfolio.New(portfolio.Config{
		Broker: w.exchange, CashReserve: decimal.New(1, -2), MinTrade: decimal.NewFromInt(5), MaxTurnover: decimal.NewFromInt(1),
		MaxOrder: decimal.NewFromInt(250_000), MaxSpread: decimal.New(5, -2),
	}))
	executes := must(execution.New(execution.Config{
		Broker: w.exchange, Ledger: w.store, Plans: w.store, Switch: killSwitch{w}, MaxPlanAge: 30 * time.Minute,
		StepInterval: 10 * time.Second, LimitSteps: 3, CloseMargin: 30 * time.Second, Now: time.Now,
	}))
	watches := must(monitor.New(monitor.Config{
		Timeline: w.store, Workflows: w.store, Notifier: people{w}, Meter: silent{}, Calendar: must(nyse.New()), Portfolio: "main", StalledAfter: 35 * time.Minute, Now: time.Now,
	}))
	w.function(functions.NameStrategy, time.Minute, functions.Service{Handle: trades.Handle, Types: []events.Type{events.TypeWorkflowStarted}})
	w.function(functions.NamePortfolio, time.Minute, functions.Service{Handle: plans.Handle, Types: []events.Type{events.TypeSignalGenerated}})
	w.function(functions.NameExecution, 10*time.Minute, functions.Service{Handle: executes.Handle, Types: []events.Type{events.TypeRebalancePlanned}})
	w.function(functions.NameMonitor, 30*time.Second, functions.Service{Handle: watches.Handle, Observer: true, Watchdog: watches.Watchdog})
}

// function adds a function with its rule and its queue.
func (w *world) function(name string, timeout time.Duration, s functions.Service) {
	f := &function{
		cloud: w.cloud, name: name, types: s.Types, timeout: timeout, entry: lambdabus.New(lambdabus.Commands{Watchdog: s.Watchdog}), observer: s.Observer,
		buried: map[string][]deadletter.Letter{}, redriven: map[string]int{},
	}
	var publisher bus.Publisher
	if !s.Observer {
		publisher = w.cloud
	}
	c := must(consumer.New(consumer.Config{
		Function: name, Component: "handler", SourcePrefix: sourcePrefix, SizeLimit: events.DefaultSizeLimit, Handler: w.alone(name, s.Handle),
		Observer: s.Observer, Claims: w.store, Publisher: publisher, DeadLetters: must(deadletter.New(f, "queue of "+name)),
		Tracer: silent{}, Logger: silent{}, Meter: silent{}, Now: time.Now, MaxAttempts: functions.MaxAttempts, FlushMargin: 3 * time.Second,
		Lease: 15 * time.Minute, PollInterval: 500 * time.Millisecond,
	}))
	f.entry.Subscribe(name, c.Handle, s.Types...)
	f.redriver = must(deadletter.NewRedriver(w.store, f, name, name+":live"))
	w.cloud.functions = append(w.cloud.functions, f)
}

// alone checks that no two live processes handle one event at once: that is what claims are for.
func (w *world) alone(name string, next consumer.Handler) consumer.Handler {
	return func(ctx context.Context, in events.Event) ([]events.Payload, error) {
		a := w.acting(ctx)
		key := name + " " + in.ID
		if a.replay {
			key += " replayed"
		}
		w.park(a) // whatever was waited for, it is our turn again
		if other := w.working[key]; other != nil && other != a && other.lives() {
			w.fault("%s and %s handle %s at the same time", other.label, a.label, in.ID)
		}
		w.working[key] = a
		out, err := next(ctx, in)
		w.park(a)
		if w.working[key] == a {
			delete(w.working, key)
		}
		return out, err
	}
}

// killSwitch is the parameter that execution reads before each order.
type killSwitch struct{ *world }

// TradingEnabled implements execution.Switch.
func (s killSwitch) TradingEnabled(ctx context.Context) (enabled bool, err error) {
	err = s.call(ctx, "read the kill switch", func() error {
		enabled = s.trading
		return nil
	})
	return enabled, err
}

// people get mails.
type people struct{ *world }

// Notify implements monitor.Notifier.
func (p people) Notify(ctx context.Context, subject, body string) error {
	return p.call(ctx, "notify "+subject, func() error {
		if p.acting(ctx).replay {
			p.fault("a replay has sent a mail: %s", subject)
		}
		p.digests = append(p.digests, body)
		return nil
	})
}

// silent neither traces nor logs.
type silent struct{}

var (
	_ consumer.Tracer = silent{}
	_ consumer.Logger = silent{}
	_ functions.Meter = silent{}
)

func (silent) Trace(ctx context.Context, _ string, _ map[string]string, f func(context.Context) error) error {
	return f(ctx)
}
func (silent) With(ctx context.Context, _ map[string]string) context.Context { return ctx }
func (silent) Info(context.Context, string, map[string]string)               {}
func (silent) Error(context.Context, string, error, map[string]string)       {}
func (silent) Delivered(context.Context, consumer.Outcome)                   {}
func (silent) Ended(context.Context, monitor.Ended)                          {}
func (silent) Traded(context.Context, monitor.Traded)                        {}
func (silent) Watched(context.Context, monitor.Watched)                      {}

// acting is the actor of ctx; a person who is none is never a replay.
func (w *world) acting(ctx context.Context) *actor {
	if a, ok := ctx.Value(actorKey{}).(*actor); ok {
		return a
	}
	return &actor{label: "nobody"}
}
