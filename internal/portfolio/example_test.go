package portfolio_test

import (
	"context"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/portfolio"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

func Example() {
	service, err := portfolio.New(portfolio.Config{
		Broker: &fakeBroker{
			id: "ACC1", cash: d("1000"), held: map[string]decimal.Decimal{"T": d("40")},
			quotes: map[string]market.Quote{"SPY": quote("SPY", "599.99", "600.01"), "T": quote("T", "22.99", "23.01")},
		},
		CashReserve: d("0.01"), MinTrade: d("5"), Tolerance: d("0.005"), MaxTurnover: d("1"), MaxOrder: d("10000"), MaxSpread: d("0.05"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := service.Handle(context.Background(), signal(weights("SPY", "1")))
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, ok := out[0].(events.RebalancePlanned)
	if !ok {
		fmt.Println("no plan")
		return
	}
	for _, t := range plan.Trades {
		fmt.Println(t.Side, t.Symbol, "-", t.Reason)
	}
	// Output:
	// sell T - no longer a target: sell all 40 at about $23.00
	// buy SPY - 0.00 % of the account, target 99.00 %: buy 3.167280545 at about $600.00
}
