package portfolio_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/portfolio"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

func TestSafetyStopsRefuseTheWholePlan(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change  func(*fakeBroker, *portfolio.Config)
		weights map[string]decimal.Decimal
		want    []string
	}{
		"an order that is too large": {
			func(_ *fakeBroker, c *portfolio.Config) { c.MaxOrder = d("5000") }, weights("A", "0.6", "B", "0.4"),
			[]string{"it would buy $5,940.00 of A; PORTFOLIO__MAX_ORDER (limits.max_order) allows $5,000.00"},
		},
		"every order that is too large": {
			func(_ *fakeBroker, c *portfolio.Config) { c.MaxOrder = d("3000") }, weights("A", "0.6", "B", "0.4"),
			[]string{"$5,940.00 of A", "$3,960.00 of B"},
		},
		"more bought than allowed": {
			func(_ *fakeBroker, c *portfolio.Config) { c.MaxTurnover = d("0.5") }, weights("A", "1"),
			[]string{"it would sell $0.00 and buy $9,900.00, 99.00 % of the account; PORTFOLIO__MAX_TURNOVER (limits.max_turnover) allows 50.00 %"},
		},
		"more sold than allowed": {
			func(b *fakeBroker, c *portfolio.Config) {
				b.cash, b.held["B"], c.MaxTurnover = d("0"), d("200"), d("0.25")
			}, weights("A", "0.5", "B", "0.5"), []string{"it would sell $5,050.00 and buy $4,950.00, 50.50 % of the account"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBroker(t)
			cfg := config(b)
			tt.change(b, &cfg)
			s, err := portfolio.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			out, err := s.Handle(t.Context(), signal(tt.weights))
			var stop *portfolio.StopError
			if !errors.As(err, &stop) || fault.CodeOf(err) != fault.Invalid || len(out) > 0 {
				t.Fatalf("Handle = %v, %v; want a safety stop", out, err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nwant %s", err, want)
				}
			}
		})
	}
}

// The first investment and a complete change of mind are within the stops as they come.
func TestEverythingMayBeReplacedByDefault(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.cash, b.held["B"] = d("0"), d("200")
	planOf(t, config(b), signal(weights("A", "1")))
}
