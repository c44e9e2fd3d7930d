package report

import (
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

func (p *printer) timeline(steps []Step) {
	if len(steps) == 0 {
		return
	}
	p.heading("Timeline")
	t := newTable(table.Row{"after", "event", "from", "what happened"}, 1)
	for _, s := range steps {
		t.AppendRow(table.Row{milliseconds(s.At.Sub(steps[0].At)), s.Event, s.Source, s.Summary})
	}
	p.table(t)
}

func (p *printer) signals(s events.SignalGenerated) {
	p.heading("Signals as of " + string(s.AsOf))
	for _, signal := range s.Signals {
		p.printf("%s, %s of the portfolio: %s\n", signal.Strategy, percent(signal.Allocation), weights(signal.Weights))
		for _, reason := range signal.Reasons {
			p.printf("    %s: %s\n", reason.Path, reason.Text)
		}
	}
	p.printf("Together: %s\n", weights(s.Weights))
}

func (p *printer) plan(plan events.RebalancePlanned) {
	p.heading("Plan")
	p.printf("Equity %s, cash %s, of which %s stay in reserve.\n", market.USD(plan.Equity), market.USD(plan.Cash), market.USD(plan.CashReserve))
	t := newTable(table.Row{"", "symbol", "quantity", "at about", "worth", "from", "to", "why"}, 3, 4, 5, 6, 7)
	for _, trade := range plan.Trades {
		t.AppendRow(table.Row{
			trade.Side, trade.Symbol, trade.Quantity, market.USD(trade.ReferencePrice), market.USD(trade.Notional),
			percent(trade.CurrentWeight), percent(trade.TargetWeight), trade.Reason,
		})
	}
	for _, kept := range plan.Kept {
		t.AppendRow(table.Row{"keep", kept.Symbol, "", "", "", "", "", kept.Reason})
	}
	p.table(t)
}

func (p *printer) fills(x events.TradeExecuted) {
	p.heading("Orders and fills")
	t := newTable(table.Row{"", "symbol", "ordered", "filled", "price", "slippage", "status", "order id"}, 3, 4, 5, 6)
	for _, o := range x.Orders {
		status := string(o.Status)
		if o.Reason != "" {
			status += ": " + o.Reason
		}
		t.AppendRow(table.Row{
			o.Side, o.Symbol, o.Quantity, o.FilledQuantity, market.USD(o.AveragePrice), o.SlippageBps.StringFixed(1) + " bp", status, o.ClientOrderID,
		})
	}
	p.table(t)
	p.printf("Sold %s, bought %s.\n", market.USD(x.Sold), market.USD(x.Bought))
}

func (p *printer) positions(before events.RebalancePlanned, after events.TradeExecuted) {
	p.heading("Positions before and after")
	then, now := bySymbol(before.Positions), bySymbol(after.PositionsAfter)
	symbols := slices.Collect(func(yield func(string) bool) {
		for symbol := range then {
			if !yield(symbol) {
				return
			}
		}
		for symbol := range now {
			if _, both := then[symbol]; !both && !yield(symbol) {
				return
			}
		}
	})
	slices.Sort(symbols)
	t := newTable(table.Row{"symbol", "before", "after", "worth", "weight"}, 2, 3, 4, 5)
	for _, symbol := range symbols {
		h := now[symbol]
		t.AppendRow(table.Row{symbol, then[symbol].Quantity, h.Quantity, market.USD(h.MarketValue), share(h.MarketValue, after.EquityAfter)})
	}
	t.AppendRow(table.Row{"cash", market.USD(before.Cash), market.USD(after.CashAfter), market.USD(after.CashAfter), share(after.CashAfter, after.EquityAfter)})
	p.table(t)
}

func bySymbol(holdings []events.Holding) map[string]events.Holding {
	m := make(map[string]events.Holding, len(holdings))
	for _, h := range holdings {
		m[h.Symbol] = h
	}
	return m
}

// weights lists weights, the largest first.
func weights(ws map[string]decimal.Decimal) string {
	symbols := make([]string, 0, len(ws))
	for symbol := range ws {
		symbols = append(symbols, symbol)
	}
	slices.SortFunc(symbols, func(a, b string) int {
		if c := ws[b].Cmp(ws[a]); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	parts := make([]string, len(symbols))
	for i, symbol := range symbols {
		parts[i] = symbol + " " + percent(ws[symbol])
	}
	return strings.Join(parts, ", ")
}

func percent(fraction decimal.Decimal) string { return fraction.Shift(2).StringFixed(2) + " %" }

func share(part, whole decimal.Decimal) string {
	if whole.IsZero() {
		return "-"
	}
	return percent(part.Div(whole))
}
