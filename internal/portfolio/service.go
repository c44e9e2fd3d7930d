package portfolio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// Config is what a Service needs.
type Config struct {
	Broker Broker
	// CashReserve is the fraction of equity that stays in cash, in [0, 1).
	CashReserve decimal.Decimal
	// MinTrade is the smallest trade in US dollars, above 0. Brokers refuse orders below a floor of their own.
	MinTrade decimal.Decimal
	// Tolerance is the distance from its target within which a holding is left alone, as a fraction of equity in
	// [0, 1): 0.005 is half a percentage point. One breach brings all holdings back to their targets.
	Tolerance decimal.Decimal
	// MaxTurnover and MaxOrder are safety stops: a plan beyond them is not traded at all. MaxTurnover is the greatest part
	// of equity that a plan may sell or buy, above 0: with 1 everything may be replaced. MaxOrder is the largest trade in
	// US dollars, above 0.
	MaxTurnover decimal.Decimal
	MaxOrder    decimal.Decimal
	// MaxSpread is the widest distance of bid and ask, as a fraction of their middle, at which a symbol is traded, above 0.
	MaxSpread decimal.Decimal
}

// Service answers SignalGenerated. It is safe for concurrent use.
type Service struct {
	cfg Config
}

// New checks cfg whole.
func New(cfg Config) (*Service, error) {
	var faults []error
	if cfg.Broker == nil {
		faults = append(faults, errors.New("broker is required"))
	}
	if !isFraction(cfg.CashReserve) {
		faults = append(faults, fmt.Errorf("cash reserve is %s, want a fraction from 0 to less than 1", cfg.CashReserve))
	}
	if !cfg.MinTrade.IsPositive() {
		faults = append(faults, fmt.Errorf("minimum trade is %s, want US dollars above 0", cfg.MinTrade))
	}
	if !isFraction(cfg.Tolerance) {
		faults = append(faults, fmt.Errorf("tolerance is %s, want a fraction from 0 to less than 1", cfg.Tolerance))
	}
	if !cfg.MaxTurnover.IsPositive() {
		faults = append(faults, fmt.Errorf("maximum turnover is %s, want a fraction above 0", cfg.MaxTurnover))
	}
	if !cfg.MaxOrder.IsPositive() {
		faults = append(faults, fmt.Errorf("maximum order is %s, want US dollars above 0", cfg.MaxOrder))
	}
	if !cfg.MaxSpread.IsPositive() {
		faults = append(faults, fmt.Errorf("maximum spread is %s, want a fraction above 0", cfg.MaxSpread))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("portfolio: invalid config: %w", err)
	}
	return &Service{cfg: cfg}, nil
}

func isFraction(d decimal.Decimal) bool { return !d.IsNegative() && d.LessThan(decimal.NewFromInt(1)) }

// Handle answers a SignalGenerated with one RebalancePlanned, or with one WorkflowCompleted whose outcome is nothing_to_do
// and whose reason says why. The plan's id derives from the signal's event id, so planning again gives a plan with the same
// id.
//
// It returns a fault.Invalid error for another event, for a signal of another account, for an account that is blocked
// or worth nothing, for a plan of more trades than one event can carry, and a *StopError for one that a safety stop
// refuses; a fault.Transient error while a quote is missing; and the errors of the broker.
func (s *Service) Handle(ctx context.Context, in events.Event) ([]events.Payload, error) {
	signal, ok := in.Payload.(events.SignalGenerated)
	if !ok {
		return nil, fault.New(fault.Invalid, "portfolio handles SignalGenerated, not %s", in.Type())
	}
	clock, err := s.cfg.Broker.Clock(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the broker's clock: %w", err)
	}
	account, err := s.account(ctx, signal)
	if err != nil {
		return nil, err
	}
	positions, err := s.cfg.Broker.Positions(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the positions: %w", err)
	}
	lines, err := s.lines(ctx, signal.Weights, positions, clock.Now)
	if err != nil {
		return nil, err
	}
	for i := range lines {
		lines[i].resting = resting(signal.Signals, lines[i].symbol)
	}
	p := newPlanner(s.cfg, account, lines)
	why := p.plan()
	if err := p.checkStops(); err != nil {
		return nil, err
	}
	if why != "" {
		return []events.Payload{events.WorkflowCompleted{
			PortfolioID: signal.PortfolioID, Outcome: events.OutcomeNothingToDo, Reason: why,
			AccountID: signal.AccountID, TradingDate: signal.TradingDate,
		}}, nil
	}
	if len(p.trades) > events.MaxOrders {
		return nil, fault.New(fault.Invalid, "the plan has %d trades, one event carries at most %d: raise the minimum trade", len(p.trades), events.MaxOrders)
	}
	return []events.Payload{events.RebalancePlanned{
		Run: signal.Run, PlanID: events.DeriveID(in.ID, "plan"), PlannedAt: clock.Now.UTC(),
		Equity: account.Equity, Cash: account.Cash, BuyingPower: account.BuyingPower, CashReserve: p.reserve,
		Targets: signal.Weights, Positions: holdings(positions), Trades: p.trades, Kept: p.kept,
	}}, nil
}

// account returns the account that the signal is for, if it can trade.
func (s *Service) account(ctx context.Context, signal events.SignalGenerated) (market.Account, error) {
	account, err := s.cfg.Broker.Account(ctx)
	switch {
	case err != nil:
		return market.Account{}, fmt.Errorf("read the account: %w", err)
	case account.ID != signal.AccountID:
		return market.Account{}, fault.New(fault.Invalid, "the signal is for account %s, the broker's keys are of account %s", signal.AccountID, account.ID)
	case account.Blocked:
		return market.Account{}, fault.New(fault.Invalid, "the broker has blocked account %s from trading", account.ID)
	case !account.Equity.IsPositive():
		return market.Account{}, fault.New(fault.Invalid, "account %s has an equity of %s: nothing to invest", account.ID, market.USD(account.Equity))
	}
	return account, nil
}

func holdings(positions []market.Position) []events.Holding {
	out := make([]events.Holding, len(positions))
	for i, p := range positions {
		out[i] = events.Holding{Symbol: p.Symbol, Quantity: p.Quantity, Price: p.Price, MarketValue: p.MarketValue}
	}
	slices.SortFunc(out, func(a, b events.Holding) int { return strings.Compare(a.Symbol, b.Symbol) })
	return out
}
