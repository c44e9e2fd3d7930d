package portfolio

import (
	"context"
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
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
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("portfolio: invalid config: %w", err)
	}
	return &Service{cfg: cfg}, nil
}

func isFraction(d decimal.Decimal) bool { return !d.IsNegative() && d.LessThan(decimal.NewFromInt(1)) }

// Handle answers a SignalGenerated with a RebalancePlanned or a WorkflowCompleted that says why there is none.
func (s *Service) Handle(ctx context.Context, in events.Event) ([]events.Payload, error) {
	return nil, fault.New(fault.Invalid, "portfolio handles no %s", in.Type())
}
