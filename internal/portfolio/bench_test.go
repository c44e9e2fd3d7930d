package portfolio_test

import (
	"fmt"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/portfolio"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// A plan of twenty trades: ten holdings go, ten others are bought.
func BenchmarkPlanOf20Trades(b *testing.B) {
	broker := newBroker(b)
	broker.quotes = map[string]market.Quote{}
	wanted := map[string]decimal.Decimal{}
	for i := range 20 {
		symbol := fmt.Sprintf("S%d", i)
		broker.quotes[symbol] = quote(symbol, fmt.Sprint(50+i), fmt.Sprint(51+i))
		if i < 10 {
			broker.held[symbol] = d("12.5")
		} else {
			wanted[symbol] = d("0.1")
		}
	}
	s, err := portfolio.New(config(broker))
	if err != nil {
		b.Fatal(err)
	}
	in := signal(wanted)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Handle(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
}
