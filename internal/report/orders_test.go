package report_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/report"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

func TestEachOrderIsExplained(t *testing.T) {
	d := decimal.RequireFromString
	at := time.Date(2024, 12, 2, 20, 46, 0, 0, time.UTC)
	ledger := []report.Booked{
		{
			Order: events.ExecutedOrder{ClientOrderID: "o-1", Symbol: "T", Side: market.Sell, Quantity: d("600"), FilledQuantity: d("200"), Status: "partially_filled"},
			Fills: []report.Fill{{Quantity: d("200"), Price: d("23"), At: at}, {Quantity: d("400"), Price: d("22.995"), At: at.Add(time.Second)}},
		},
		{Order: events.ExecutedOrder{
			ClientOrderID: "o-3", BrokerOrderID: "b-3", Symbol: "SPY", Side: market.Buy, Step: 1, OrderType: "limit", Quantity: d("10.5"), LimitPrice: d("600.10"),
			FilledQuantity: d("4"), AveragePrice: d("600.06"), Status: "pending_submit", SubmittedAt: at,
		}},
	}
	orders := report.Explain(story(), ledger)
	var ids []string
	for _, o := range orders {
		ids = append(ids, o.Placed.ClientOrderID)
		if o.Planned == nil || o.Planned.Symbol != o.Symbol || o.Placed.Symbol != o.Symbol || o.Reported != (o.Placed.ClientOrderID != "o-3") {
			t.Errorf("order %s of %s: planned %+v, reported: %t", o.Placed.ClientOrderID, o.Symbol, o.Planned, o.Reported)
		}
	}
	if d := cmp.Diff([]string{"o-1", "o-2", "o-3"}, ids); d != "" {
		t.Fatalf("orders (-want +got):\n%s", d)
	}
	// What execution has reported is the last word, what the plan was made at is 23 and 600: a sale below it costs, and so does a buy above it.
	if sold, bought := orders[0], orders[2]; sold.Placed.FilledQuantity.String() != "600" || len(sold.Fills) != 2 ||
		sold.PlanSlippageBps.String() != "1.4348" || bought.PlanSlippageBps.String() != "1" {
		t.Errorf("sold %+v, bought %+v", sold, bought)
	}
	var out bytes.Buffer
	if err := report.WriteOrders(&out, orders); err != nil {
		t.Fatal(err)
	}
	golden(t, "orders.txt", out.Bytes())
}

func TestOrdersOfNothing(t *testing.T) {
	var out bytes.Buffer
	if err := report.WriteOrders(&out, report.Explain(nil, nil)); err != nil || out.String() != "No orders.\n" {
		t.Errorf("WriteOrders of nothing: %q, %v", out.String(), err)
	}
}
