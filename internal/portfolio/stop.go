package portfolio

import (
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// StopError says that a safety stop has refused a plan: nothing of it is traded. Its code is fault.Invalid: whoever means
// the plan raises the limit and redrives the signal.
type StopError struct{ Reasons []string }

// Error implements error.
func (e *StopError) Error() string {
	return "safety stop, nothing is traded: " + strings.Join(e.Reasons, "; ")
}

// Code implements the interface that fault.CodeOf reads.
func (e *StopError) Code() fault.Code { return fault.Invalid }

// checkStops returns a *StopError if the plan is beyond what the trader allows.
func (p *planner) checkStops() error {
	sold, bought := decimal.Zero, decimal.Zero
	var reasons []string
	for _, t := range p.trades {
		if t.Side == market.Sell {
			sold = sold.Add(t.Notional)
		} else {
			bought = bought.Add(t.Notional)
		}
		if t.Notional.GreaterThan(p.cfg.MaxOrder) {
			reasons = append(reasons, tooLarge(t, p.cfg.MaxOrder))
		}
	}
	if more := decimal.Max(sold, bought); more.GreaterThan(p.cfg.MaxTurnover.Mul(p.account.Equity)) {
		reasons = append(reasons, fmt.Sprintf("it would sell %s and buy %s, %s of the account; PORTFOLIO__MAX_TURNOVER (limits.max_turnover) allows %s",
			market.USD(sold), market.USD(bought), share(more, p.account.Equity), percent(p.cfg.MaxTurnover)))
	}
	if len(reasons) > 0 {
		return &StopError{Reasons: reasons}
	}
	return nil
}

func tooLarge(t events.Trade, limit decimal.Decimal) string {
	return fmt.Sprintf("it would %s %s of %s; PORTFOLIO__MAX_ORDER (limits.max_order) allows %s", t.Side, market.USD(t.Notional), t.Symbol, market.USD(limit))
}
