package simulation_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// held is an order as the exchange has it.
type held struct {
	ClientID string          `json:"client_order_id"`
	BrokerID string          `json:"id"`
	Symbol   string          `json:"symbol"`
	Side     market.Side     `json:"side"`
	Status   string          `json:"status"`
	Quantity decimal.Decimal `json:"qty"`
	Filled   decimal.Decimal `json:"filled_qty"`
	// Price is the average; nil without a fill.
	Price *decimal.Decimal `json:"filled_avg_price"`
}

func (h held) price() decimal.Decimal {
	if h.Price == nil {
		return decimal.Zero
	}
	return *h.Price
}

// ask reads a document of the exchange.
func (x *exchange) ask(path string, into any) {
	r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
	r.Header.Set("APCA-API-KEY-ID", "key")
	r.Header.Set("APCA-API-SECRET-KEY", "secret")
	raw := must(io.ReadAll(x.serve(r).Body))
	if err := json.Unmarshal(raw, into); err != nil {
		panic(fmt.Sprintf("GET %s: %v: %s", path, err, raw))
	}
}

// held are all orders of the account.
func (x *exchange) held() (all []held) {
	x.ask("/v2/orders?status=all&limit=500&direction=asc", &all)
	return all
}

// origin is what an order id stands for.
type origin struct {
	plan  events.RebalancePlanned
	trade int
	step  int
}

// origins are the ids of all orders that the accepted plans may have.
func (w *world) origins() map[string]origin {
	all := map[string]origin{}
	for _, a := range w.cloud.first() {
		plan, ok := a.event.Payload.(events.RebalancePlanned)
		if !ok {
			continue
		}
		for i, t := range plan.Trades {
			for step := range events.MaxOrders / len(plan.Trades) {
				all[execution.OrderID(plan.PlanID, t.Symbol, t.Side, step)] = origin{plan: plan, trade: i, step: step}
			}
		}
	}
	return all
}

// checkMoney: the exchange has no order that no plan asks for, the day belongs to one plan, the account is what the fills
// make of it, and the ledger is the exchange's.
func (w *world) checkMoney() {
	orders, origins := w.exchange.held(), w.origins()
	traders := map[market.Date]string{} // the plan of each day
	traded := map[string]decimal.Decimal{}
	flows := map[string]bool{}
	for _, o := range orders {
		from, ok := origins[o.ClientID]
		if !ok {
			w.fault("order %s (%s %s %s) is of no plan", o.ClientID, o.Side, o.Quantity, o.Symbol)
			continue
		}
		trade, plan := from.plan.Trades[from.trade], from.plan.PlanID
		if other := traders[from.plan.TradingDate]; other != "" && other != plan {
			w.fault("%s is traded by two plans, %s and %s", from.plan.TradingDate, other, plan)
		}
		traders[from.plan.TradingDate] = plan
		flows[plan] = true
		id := plan + " " + trade.Symbol
		traded[id] = traded[id].Add(o.Filled)
		if traded[id].GreaterThan(trade.Quantity) {
			w.fault("plan %s wants to %s %s %s and has traded %s", plan, trade.Side, trade.Quantity, trade.Symbol, traded[id])
		}
	}
	w.traded = len(flows)
	w.checkAccount(orders)
	w.checkLedger(orders)
}

// dust is what averages of prices, which have nine decimals, may lose in US dollars.
var dust = decimal.New(1, -4)

// checkAccount: cash and positions are the first ones and the fills.
func (w *world) checkAccount(orders []held) {
	cash, want := decimal.NewFromInt(startingCash), startingPositions()
	for _, o := range orders {
		quantity := o.Filled
		if o.Side == market.Sell {
			quantity = quantity.Neg()
		}
		cash = cash.Sub(quantity.Mul(o.price()))
		want[o.Symbol] = want[o.Symbol].Add(quantity)
	}
	account := must(w.exchange.client.Account(context.Background()))
	if account.Cash.Sub(cash).Abs().GreaterThan(dust) {
		w.fault("the account has %s US dollars, the fills make %s", account.Cash, cash)
	}
	for _, p := range must(w.exchange.client.Positions(context.Background())) {
		if !p.Quantity.Equal(want[p.Symbol]) {
			w.fault("the account has %s %s, the fills make %s", p.Quantity, p.Symbol, want[p.Symbol])
		}
		delete(want, p.Symbol)
	}
	for _, symbol := range slices.Sorted(maps.Keys(want)) {
		if !want[symbol].IsZero() {
			w.fault("the account has no %s, the fills make %s", symbol, want[symbol])
		}
	}
}

// checkLedger: the ledger has what the exchange has, and nothing else that was traded.
func (w *world) checkLedger(orders []held) {
	known := map[string]bool{}
	for _, o := range orders {
		known[o.ClientID] = true
		entry, found := must2(w.store.Order(context.Background(), o.ClientID))
		switch {
		case !found:
			w.fault("order %s is not in the ledger", o.ClientID)
			continue
		case entry.BrokerID != o.BrokerID, !entry.State.Final(), !entry.Filled.Equal(o.Filled), !entry.AveragePrice.Equal(o.price()), !entry.Quantity.Equal(o.Quantity):
			w.fault("order %s is in the ledger as %s %s, %s of %s at %s, at the exchange as %s %s, %s of %s at %s", o.ClientID, entry.BrokerID,
				entry.State, entry.Filled, entry.Quantity, entry.AveragePrice, o.BrokerID, o.Status, o.Filled, o.Quantity, o.price())
		}
		var fills, values []decimal.Decimal
		for n := 1; n <= entry.Fills; n++ {
			item := w.table.items["ORDER#"+o.ClientID][fmt.Sprintf("FILL#%d", n)]
			if item == nil {
				w.fault("order %s has %d fills, and number %d is not in the ledger", o.ClientID, entry.Fills, n)
				continue
			}
			fills = append(fills, decimal.RequireFromString(text(item["quantity"])))
			values = append(values, fills[n-1].Mul(decimal.RequireFromString(text(item["price"]))))
		}
		if !sum(fills...).Equal(entry.Filled) || sum(values...).Sub(entry.Filled.Mul(entry.AveragePrice)).Abs().GreaterThan(dust) {
			w.fault("order %s has traded %s at %s, its fills are %s", o.ClientID, entry.Filled, entry.AveragePrice, fills)
		}
	}
	for _, pk := range slices.Sorted(maps.Keys(w.table.items)) {
		id, ok := strings.CutPrefix(pk, "ORDER#")
		if !ok || known[id] {
			continue
		}
		entry, found := must2(w.store.Order(context.Background(), id))
		// A process that died while it wrote down what it was about to send may be read when nobody looks any more.
		ghost := entry.State == execution.StatePendingSubmit && w.stray["put "+pk+"|ORDER"]
		if !found || entry.BrokerID != "" || entry.Filled.IsPositive() || !entry.State.Final() && !ghost {
			w.fault("order %s is in the ledger as %s with %s filled, and not at the exchange", id, entry.State, entry.Filled)
		}
	}
}

// published checks a report of trades at the moment at which it is published: the ledger knew everything before.
func (w *world) published(e events.Event) {
	report, ok := e.Payload.(events.TradeExecuted)
	if !ok {
		return
	}
	for _, o := range report.Orders {
		entry, found := must2(w.store.Order(context.Background(), o.ClientOrderID))
		if !found || !entry.State.Final() || !entry.Filled.Equal(o.FilledQuantity) || !entry.AveragePrice.Equal(o.AveragePrice) {
			w.fault("order %s is reported as %s with %s filled before the ledger says so: it has %s with %s", o.ClientOrderID, o.Status, o.FilledQuantity, entry.State, entry.Filled)
		}
	}
}

// ordered is told of each order that the exchange has taken.
func (w *world) ordered(ctx context.Context) {
	w.orders++
	a, now := w.acting(ctx), time.Now().In(w.calendar.Zone())
	if a.replay {
		w.fault("%s has placed an order for a replayed event", a.label)
	}
	session, trading := w.calendar.Session(market.DateOf(now))
	if !trading || now.Before(session.Open) || !now.Before(session.Close) {
		w.fault("%s has placed an order outside of the session, at %s", a.label, now.Format(time.DateTime))
	}
}
