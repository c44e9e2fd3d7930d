package execution

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// Config is what a Service needs. Every field is required.
type Config struct {
	Broker Broker
	Ledger Ledger
	Plans  Plans
	Switch Switch
	// MaxPlanAge is how old a plan may be, by the broker's clock, for an order to be submitted.
	MaxPlanAge time.Duration
	// StepInterval is how long a limit order is left working before the next step of its trade.
	StepInterval time.Duration
	// LimitSteps is how many limit orders a trade may take before it goes to the market, 1 to 9: the first
	// stands in the middle of the spread, the last at its far side.
	LimitSteps int
	// CloseMargin is the time before the close in which nothing is submitted and open orders are cancelled.
	CloseMargin time.Duration
	// Now is the host's clock. It measures how much time has passed and is left; what time it is, the broker says.
	Now func() time.Time
}

// maxLimitSteps bounds Config.LimitSteps.
const maxLimitSteps = 9

// Service answers RebalancePlanned. It is safe for concurrent use.
type Service struct {
	cfg Config
}

// New checks cfg whole.
func New(cfg Config) (*Service, error) {
	var faults []error
	need := func(there bool, name string) {
		if !there {
			faults = append(faults, fmt.Errorf("%s is required", name))
		}
	}
	need(cfg.Broker != nil, "broker")
	need(cfg.Ledger != nil, "ledger")
	need(cfg.Plans != nil, "plans")
	need(cfg.Switch != nil, "switch")
	need(cfg.Now != nil, "now")
	if cfg.MaxPlanAge <= 0 {
		faults = append(faults, fmt.Errorf("maximum plan age is %s, want more than 0", cfg.MaxPlanAge))
	}
	if cfg.StepInterval <= 0 {
		faults = append(faults, fmt.Errorf("step interval is %s, want more than 0", cfg.StepInterval))
	}
	if cfg.LimitSteps < 1 || cfg.LimitSteps > maxLimitSteps {
		faults = append(faults, fmt.Errorf("limit steps are %d, want 1 to %d", cfg.LimitSteps, maxLimitSteps))
	}
	if cfg.CloseMargin < 0 {
		faults = append(faults, fmt.Errorf("close margin is %s, want 0 or more", cfg.CloseMargin))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("execution: invalid config: %w", err)
	}
	return &Service{cfg: cfg}, nil
}

// Handle trades the plan that a RebalancePlanned carries. It returns a TradeExecuted with every order and a
// WorkflowCompleted, or the latter alone if there was no order, which is the case for a plan that is too old, for
// another date than the broker's, not the one that the day belongs to, or refused by the kill switch.
//
// It may be called again with the same event after any failure and at any point: every order has one id, is in the
// ledger before it is sent, and what is in the ledger is asked for before it is sent again. It returns fault.Invalid for
// another event, another account or an account that may not trade, if nothing was submitted; fault.Ambiguous if the broker
// does not say what became of an order; and fault.Transient if the time of ctx is up before the plan is traded; it then
// continues when it is called again. If orders may be open at the broker the error is an *OpenOrdersError, which names
// them. It is not to be called for one plan by two callers at once: that is the claim's part.
func (s *Service) Handle(ctx context.Context, in events.Event) ([]events.Payload, error) {
	plan, ok := in.Payload.(events.RebalancePlanned)
	if !ok {
		return nil, fault.New(fault.Invalid, "execution handles no %s", in.Type())
	}
	out, err := s.execute(ctx, plan, in.CorrelationID)
	if err != nil {
		return nil, fmt.Errorf("execute plan %s: %w", plan.PlanID, err)
	}
	return out, nil
}

func (s *Service) execute(ctx context.Context, plan events.RebalancePlanned, correlationID string) ([]events.Payload, error) {
	if n := len(plan.Trades); n > events.MaxOrders {
		return nil, fault.New(fault.Invalid, "%d trades, want at most %d", n, events.MaxOrders)
	}
	r := &run{cfg: s.cfg, plan: plan, correlationID: correlationID}
	if err := r.recall(ctx); err != nil {
		return nil, err
	}
	out, err := r.trade(ctx)
	if err != nil {
		return nil, r.abandon(err)
	}
	return out, nil
}

func (r *run) trade(ctx context.Context) ([]events.Payload, error) {
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	if r.halted != "" && !r.begun() {
		return []events.Payload{r.completed()}, nil
	}
	if err := r.sell(ctx); err != nil {
		return nil, err
	}
	if err := r.buy(ctx); err != nil {
		return nil, err
	}
	return r.report(ctx)
}

// run is one attempt at a plan.
type run struct {
	cfg           Config
	plan          events.RebalancePlanned
	correlationID string
	// waited says that the proceeds of sales were waited for as long as may be.
	waited bool

	clock   market.Clock
	started time.Time // the host's time at clock
	closes  time.Time
	claimed bool
	// halted says why no further order is submitted; it is empty while they are.
	halted string

	lines []*line
	// orders are those of all lines, in the order of submission.
	orders []*Order
	// notes are what a trader should know about trades that were not made as planned.
	notes []string
}

// begin reads the account, the broker's clock and its calendar, and halts the run if it is not the plan's day.
func (r *run) begin(ctx context.Context) error {
	account, err := r.cfg.Broker.Account(ctx)
	switch {
	case err != nil:
		return err
	case account.ID != r.plan.AccountID:
		return fault.New(fault.Invalid, "it is for account %s, the broker's keys are for %s", r.plan.AccountID, account.ID)
	case account.Blocked && !r.begun():
		return fault.New(fault.Invalid, "the broker does not let account %s trade", account.ID)
	}
	if r.clock, err = r.cfg.Broker.Clock(ctx); err != nil {
		return err
	}
	r.started = r.cfg.Now()
	today := market.DateOf(r.clock.Now)
	session, trading, err := r.cfg.Broker.Session(ctx, today)
	if err != nil {
		return err
	}
	r.closes = session.Close
	switch {
	case account.Blocked:
		r.halted = "the broker does not let the account trade any more"
	case r.plan.TradingDate != today:
		r.halted = fmt.Sprintf("the plan is for %s, the broker's date is %s", r.plan.TradingDate, today)
	case !trading:
		r.halted = fmt.Sprintf("%s is no trading day", today)
	case r.clock.Now.Before(session.Open):
		r.halted = fmt.Sprintf("the session of %s has not opened", today)
	default:
		r.checkTime()
	}
	return nil
}

// now is the broker's time.
func (r *run) now() time.Time { return r.clock.Now.Add(r.cfg.Now().Sub(r.started)) }

// checkTime halts the run after the session and when the plan is too old.
func (r *run) checkTime() {
	now := r.now()
	switch age := now.Sub(r.plan.PlannedAt); {
	case !now.Before(r.closes):
		r.halted = fmt.Sprintf("the session closed at %s", r.closes.Format("15:04"))
	case !now.Before(r.lastMoment()):
		r.halted = fmt.Sprintf("the session closes at %s, nothing is submitted in its last %s", r.closes.Format("15:04"), r.cfg.CloseMargin)
	case age > r.cfg.MaxPlanAge:
		r.halted = fmt.Sprintf("the plan is %s old, the limit is %s", age.Round(time.Second), r.cfg.MaxPlanAge)
	}
}

// lastMoment is when open orders are cancelled.
func (r *run) lastMoment() time.Time { return r.closes.Add(-r.cfg.CloseMargin) }

// hurried says that there is time for one market order at most before the last moment of the session.
func (r *run) hurried() bool {
	return r.lastMoment().Sub(r.now()) < (patience+1)*r.cfg.StepInterval
}

// permitted says whether one more order may be submitted now. The first one takes the day for the plan.
func (r *run) permitted(ctx context.Context) (bool, error) {
	if !r.inTime() {
		return false, nil
	}
	if err := r.hasTime(ctx); err != nil {
		return false, err
	}
	enabled, err := r.cfg.Switch.TradingEnabled(ctx)
	if err != nil {
		return false, fmt.Errorf("read the kill switch: %w", err)
	}
	if !enabled {
		r.halted = "trading is switched off"
		return false, nil
	}
	if !r.inTime() { // reading may have taken long, and so may claiming below
		return false, nil
	}
	if r.claimed {
		return true, nil
	}
	owner, err := r.cfg.Plans.ClaimPlan(ctx, PlanKey{AccountID: r.plan.AccountID, PortfolioID: r.plan.PortfolioID, Date: r.plan.TradingDate}, r.plan.PlanID)
	if err != nil {
		return false, fmt.Errorf("claim %s: %w", r.plan.TradingDate, err)
	}
	if owner != r.plan.PlanID {
		r.halted = fmt.Sprintf("%s was traded by plan %s", r.plan.TradingDate, owner)
		return false, nil
	}
	r.claimed = true
	return r.inTime(), nil
}

// inTime says whether the run has not been halted and its time has not passed.
func (r *run) inTime() bool {
	if r.halted == "" {
		r.checkTime()
	}
	return r.halted == ""
}

// flushMargin is left of an attempt's time for recording what was done.
const flushMargin = 3 * time.Second

func (r *run) timeIsUp(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && deadline.Sub(r.cfg.Now()) < flushMargin
}

// hasTime returns a fault.Transient error if nothing more is begun in this attempt: the next one goes on.
func (r *run) hasTime(ctx context.Context) error {
	if r.timeIsUp(ctx) {
		return fault.New(fault.Transient, "the time of this attempt is up before all orders are submitted")
	}
	return nil
}
