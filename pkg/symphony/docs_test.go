package symphony_test

import (
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

// clojureBlock is an example in docs/strategies.md.
var clojureBlock = regexp.MustCompile("(?s)```clojure\n(.*?)```")

// Every symphony in docs/strategies.md, whole or a part, says what it wants on each of a year's days, on a market that rises and
// falls. An example that never leaves one branch would not show what the page says about it.
func TestExamplesInTheDocsRun(t *testing.T) {
	page, err := os.ReadFile("../../docs/strategies.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := clojureBlock.FindAllSubmatch(page, -1)
	if len(examples) < 6 {
		t.Fatalf("the page has %d examples: the search is broken", len(examples))
	}
	for _, e := range examples {
		source := string(e[1])
		if !strings.Contains(source, "(defsymphony") {
			source = program(source)
		}
		first, _, _ := strings.Cut(string(e[1]), "\n")
		t.Run(first, func(t *testing.T) {
			p := parse(t, source)
			if w := p.Warnings(); len(w) > 0 {
				t.Errorf("warnings: %q", w)
			}
			h := waves(t, p)
			answers := map[string]bool{}
			for asOf := 400; asOf < 650; asOf++ {
				got, err := p.Evaluate(h, day(asOf))
				if err != nil {
					t.Fatalf("Evaluate(%s): %v", day(asOf), err)
				}
				if !sum(got.Weights).Equal(decimal.NewFromInt(1)) || len(got.Reasons) == 0 && strings.Contains(source, "(if") {
					t.Fatalf("as of %s: weights %s with %d reasons", day(asOf), show(got.Weights), len(got.Reasons))
				}
				answers[show(got.Weights)] = true
			}
			decides := regexp.MustCompile(`\((if|filter|weight-inverse-volatility) `).MatchString(source)
			if decides != (len(answers) > 1) {
				t.Errorf("decides something: %t, but there are %d different answers", decides, len(answers))
			}
		})
	}
}

// waves returns prices of all symbols of p over 650 days, each on a wave of its own.
func waves(tb testing.TB, p *symphony.Program) *symphony.History {
	tb.Helper()
	bySymbol := map[string][]market.Bar{}
	for i, symbol := range p.Symbols() {
		prices := make([]float64, 650)
		for d := range prices {
			x := float64(d)
			price := 100 + 30*math.Sin(x/(40+9*float64(i))) + 5*math.Sin(x/(3+float64(i))) + x/50
			prices[d] = math.Round(price*100) / 100
		}
		bySymbol[symbol] = bars(prices...)
	}
	return history(tb, bySymbol)
}
