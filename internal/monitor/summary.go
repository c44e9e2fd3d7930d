package monitor

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// shownWeights is how many targets a summary names.
const shownWeights = 6

// story is what an event means for its workflow.
type story struct {
	summary string
	state   State
	account string
	date    market.Date
}

// Summary returns what p says in one line, in words a trader understands, or a fault.Invalid error for a type that this
// version does not know.
func Summary(p events.Payload) (string, error) {
	told, err := tell(p)
	return told.summary, err
}

// tell returns the story of p, or a fault.Invalid error for a type that this version does not know.
func tell(p events.Payload) (story, error) {
	switch p := p.(type) {
	case events.WorkflowStarted:
		return story{summary: started(p), state: StateRunning, date: p.TradingDate}, nil
	case events.SignalGenerated:
		return story{summary: signalled(p), state: StateRunning, account: p.AccountID, date: p.TradingDate}, nil
	case events.RebalancePlanned:
		return story{summary: planned(p), state: StateRunning, account: p.AccountID, date: p.TradingDate}, nil
	case events.TradeExecuted:
		return story{summary: traded(p), state: StateRunning, account: p.AccountID, date: p.TradingDate}, nil
	case events.WorkflowCompleted:
		state, summary := ended(p)
		return story{summary: summary, state: state, account: p.AccountID, date: p.TradingDate}, nil
	case events.WorkflowFailed:
		return story{summary: failed(p), state: StateFailed, account: p.AccountID, date: p.TradingDate}, nil
	default:
		return story{}, fault.New(fault.Invalid, "monitor knows no %s", p.EventType())
	}
}

func started(p events.WorkflowStarted) string {
	if p.TradingDate != "" {
		return fmt.Sprintf("run of %s for %s started", p.PortfolioID, p.TradingDate)
	}
	return fmt.Sprintf("run of %s started", p.PortfolioID)
}

func signalled(p events.SignalGenerated) string {
	strategies := make([]string, len(p.Signals))
	for i, s := range p.Signals {
		strategies[i] = fmt.Sprintf("%s %s", s.Strategy, percent(s.Allocation))
	}
	return fmt.Sprintf("wants to hold %s (%s), on prices up to %s", targets(p.Weights), strings.Join(strategies, ", "), p.AsOf)
}

// targets writes the largest weights: "45 % SPY, 20 % AAPL and 3 more".
func targets(weights map[string]decimal.Decimal) string {
	symbols := slices.SortedFunc(maps.Keys(weights), func(a, b string) int {
		return cmp.Or(weights[b].Cmp(weights[a]), cmp.Compare(a, b))
	})
	var parts []string
	for _, s := range symbols[:min(len(symbols), shownWeights)] {
		parts = append(parts, percent(weights[s])+" "+s)
	}
	text := strings.Join(parts, ", ")
	if more := len(symbols) - shownWeights; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func planned(p events.RebalancePlanned) string {
	var sells, buys int
	sold, bought := decimal.Zero, decimal.Zero
	for _, t := range p.Trades {
		if t.Side == market.Sell {
			sells++
			sold = sold.Add(t.Notional)
			continue
		}
		buys++
		bought = bought.Add(t.Notional)
	}
	var parts []string
	if sells > 0 {
		parts = append(parts, fmt.Sprintf("%s for about %s", count(sells, "sale"), market.USD(sold)))
	}
	if buys > 0 {
		parts = append(parts, fmt.Sprintf("%s for about %s", count(buys, "buy"), market.USD(bought)))
	}
	text := fmt.Sprintf("plans %s, of an equity of %s", strings.Join(parts, " and "), market.USD(p.Equity))
	if len(p.Kept) > 0 {
		text += fmt.Sprintf("; leaves %s alone", count(len(p.Kept), "symbol"))
	}
	return text
}

func traded(p events.TradeExecuted) string {
	if len(p.Orders) == 0 {
		return fmt.Sprintf("placed no order; equity %s", market.USD(p.EquityAfter))
	}
	by := map[events.OrderStatus]int{}
	for _, o := range p.Orders {
		by[o.Status]++
	}
	var outcomes []string
	for _, s := range []events.OrderStatus{
		events.OrderFilled, events.OrderPartial, events.OrderCancelled, events.OrderRejected, events.OrderExpired,
	} {
		if by[s] > 0 {
			outcomes = append(outcomes, fmt.Sprintf("%d %s", by[s], strings.ReplaceAll(string(s), "_", " ")))
		}
	}
	return fmt.Sprintf("placed %s (%s): sold for %s, bought for %s; equity %s, cash %s", count(len(p.Orders), "order"),
		strings.Join(outcomes, ", "), market.USD(p.Sold), market.USD(p.Bought), market.USD(p.EquityAfter), market.USD(p.CashAfter))
}

func ended(p events.WorkflowCompleted) (State, string) {
	switch p.Outcome {
	case events.OutcomeSkipped:
		return StateSkipped, "skipped: " + line(p.Reason)
	case events.OutcomeNothingToDo:
		return StateNothingToDo, "nothing to do: " + line(p.Reason)
	case events.OutcomeCompleted:
		return StateCompleted, fmt.Sprintf("completed with %s: %s", count(p.Orders, "order"), line(p.Reason))
	default: // Validate refuses it
		return StateCompleted, line(p.Reason)
	}
}

func failed(p events.WorkflowFailed) string {
	return fmt.Sprintf("failed in %s, attempt %d, on %s: %s (%s)", p.Function, p.Attempt, p.FailedEventType, line(p.Reason), remedy(p.Code))
}

// remedy says what a fault's code means to a trader.
func remedy(code fault.Code) string {
	switch code {
	case fault.Invalid:
		return "trying again cannot help"
	case fault.Transient:
		return "trying again may help"
	case fault.Ambiguous:
		return "an order may have happened: ask the broker"
	case fault.Internal:
		return "an error in the system"
	default:
		return string(code)
	}
}

// line makes one line of text: errors that are joined stand on several.
func line(text string) string {
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	for i, l := range lines {
		lines[i] = strings.Join(strings.Fields(l), " ")
	}
	return strings.Join(lines, "; ")
}

// percent writes a fraction as "12.5 %", with at most two decimals.
func percent(d decimal.Decimal) string { return d.Shift(2).Round(2).String() + " %" }

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
