package symphony_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/pkg/indicator"
	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

// What follows is the language a second time, as plainly as it can be said: without memory, without shared work, each
// form evaluated from the prices alone.

// prices are closes by symbol and day.
type prices map[string]map[int]float64

func (p prices) closes(symbol string, asOf int) (days []int, closes []float64) {
	for _, d := range slices.Sorted(maps.Keys(p[symbol])) {
		if d <= asOf {
			days, closes = append(days, d), append(closes, p[symbol][d])
		}
	}
	return days, closes
}

// lastDay is the last day up to asOf that any symbol has a bar of.
func (p prices) lastDay(asOf int) int {
	last := -1
	for _, bars := range p {
		for d := range bars {
			if d <= asOf {
				last = max(last, d)
			}
		}
	}
	return last
}

var errOracle = errors.New("no value")

func (p prices) metric(m drawnMetric, symbol string, asOf int) (float64, error) {
	days, closes := p.closes(symbol, asOf)
	if len(days) == 0 || days[len(days)-1] != p.lastDay(asOf) {
		return 0, errOracle
	}
	return m.def.Value(closes, m.window)
}

type drawnMetric struct {
	def    indicator.Definition
	window int
}

func (m drawnMetric) text(symbol string) string {
	text := "(" + m.def.Name
	if symbol != "" {
		text += fmt.Sprintf(" %q", symbol)
	}
	if m.def.Windowed {
		text += fmt.Sprintf(" {:window %d}", m.window)
	}
	return text + ")"
}

type held = map[string]*big.Rat

// form is a drawn program: its text, the symbols in it, those that it may hold, and its value.
type form struct {
	text    string
	symbols []string
	holds   []string
	value   func(p prices, asOf int) (held, error)
}

// mixed puts parts together by their weights; empty ones do not count.
func mixed(parts []held, weights []*big.Rat) held {
	total, out := new(big.Rat), held{}
	for i, part := range parts {
		if len(part) > 0 && weights[i].Sign() > 0 {
			total.Add(total, weights[i])
			for symbol, w := range part {
				if out[symbol] == nil {
					out[symbol] = new(big.Rat)
				}
				out[symbol].Add(out[symbol], new(big.Rat).Mul(w, weights[i]))
			}
		}
	}
	for _, w := range out {
		w.Quo(w, total)
	}
	return out
}

func equally(p prices, asOf int, children []form) (held, error) {
	var parts []held
	var weights []*big.Rat
	for _, c := range children {
		h, err := c.value(p, asOf)
		if err != nil {
			return nil, err
		}
		parts, weights = append(parts, h), append(weights, big.NewRat(1, 1))
	}
	return mixed(parts, weights), nil
}

func something(h held, err error) (held, error) {
	if err == nil && len(h) == 0 {
		return nil, errOracle
	}
	return h, err
}

// score applies m to the returns that f would have had.
func (f form) score(p prices, m drawnMetric, asOf int) (float64, error) {
	trading := map[int]bool{}
	for _, symbol := range f.symbols {
		days, _ := p.closes(symbol, asOf)
		for _, d := range days {
			trading[d] = true
		}
	}
	days := slices.Sorted(maps.Keys(trading))
	if len(days) == 0 || days[len(days)-1] != p.lastDay(asOf) {
		return 0, errOracle
	}
	if len(days) == 0 || days[len(days)-1] != p.lastDay(asOf) {
		return 0, errOracle
	}
	need := max(1, m.def.BarsNeeded(m.window)-1)
	var factors []float64 // from today back to the last gap
	for i := len(days) - 1; i > 0; i-- {
		h, err := something(f.value(p, days[i-1]))
		if err != nil {
			break
		}
		factor := 1.0
		for _, symbol := range slices.Sorted(maps.Keys(h)) {
			before, had := p[symbol][days[i-1]]
			after, has := p[symbol][days[i]]
			w, _ := h[symbol].Float64()
			if !had || !has {
				factor = 0
				break
			}
			factor += w * (after/before - 1)
		}
		if factor == 0 {
			break
		}
		factors = append(factors, factor)
		if len(factors) == need && !m.def.Recursive && m.def.Unit != indicator.Price {
			break
		}
	}
	if len(factors) < need {
		return 0, errOracle
	}
	levels := []float64{100}
	for _, factor := range slices.Backward(factors) {
		levels = append(levels, levels[len(levels)-1]*factor)
	}
	return m.def.Value(levels, m.window)
}

func drawMetric(t *rapid.T) drawnMetric {
	def := rapid.SampledFrom(indicator.All()).Draw(t, "indicator")
	m := drawnMetric{def: def}
	if def.Windowed {
		m.window = rapid.IntRange(2, 4).Draw(t, "window")
	}
	return m
}

func drawSymbol(t *rapid.T) string {
	return rapid.SampledFrom([]string{"A", "B", "C", "D"}).Draw(t, "symbol")
}

func drawForms(t *rapid.T, depth, least int) []form {
	out := make([]form, rapid.IntRange(least, 3).Draw(t, "children"))
	for i := range out {
		out[i] = drawForm(t, depth-1)
	}
	return out
}

// parts is what forms have together.
func parts(forms []form) (text string, together form) {
	var texts []string
	for _, f := range forms {
		texts = append(texts, f.text)
		together.symbols = append(together.symbols, f.symbols...)
		together.holds = append(together.holds, f.holds...)
	}
	return "[" + strings.Join(texts, " ") + "]", together
}

func drawForm(t *rapid.T, depth int) form {
	if depth == 0 {
		symbol := drawSymbol(t)
		return form{fmt.Sprintf("(asset %q nil)", symbol), []string{symbol}, []string{symbol}, func(prices, int) (held, error) {
			return held{symbol: big.NewRat(1, 1)}, nil
		}}
	}
	switch rapid.SampledFrom([]string{"asset", "equal", "specified", "inverse", "group", "if", "filter", "filter"}).Draw(t, "form") {
	case "equal":
		children := drawForms(t, depth, 1)
		text, f := parts(children)
		f.text = "(weight-equal " + text + ")"
		f.value = func(p prices, asOf int) (held, error) { return something(equally(p, asOf, children)) }
		return f
	case "specified":
		return drawSpecified(t, depth)
	case "inverse":
		return drawInverse(t, depth)
	case "group":
		child := drawForm(t, depth-1)
		child.text = `(group "G" [` + child.text + "])"
		return child
	case "if":
		return drawIf(t, depth)
	case "filter":
		return drawFilter(t, depth)
	}
	return drawForm(t, 0)
}

func drawSpecified(t *rapid.T, depth int) form {
	children := drawForms(t, depth, 1)
	_, f := parts(children)
	weights := make([]*big.Rat, len(children))
	f.text = "(weight-specified"
	for i, c := range children {
		percent := rapid.Int64Range(1, 100).Draw(t, "percent")
		weights[i] = big.NewRat(percent, 100)
		f.text += fmt.Sprintf(" %s %s", decimal.New(percent, -2), c.text)
	}
	f.text += ")"
	f.value = func(p prices, asOf int) (held, error) {
		parts := make([]held, len(children))
		for i, c := range children {
			var err error
			if parts[i], err = something(c.value(p, asOf)); err != nil {
				return nil, err
			}
		}
		return mixed(parts, weights), nil
	}
	return f
}

func drawInverse(t *rapid.T, depth int) form {
	children := drawForms(t, depth, 1)
	text, f := parts(children)
	def, _ := indicator.Lookup("stdev-return")
	m := drawnMetric{def, rapid.IntRange(2, 4).Draw(t, "window")}
	f.text = fmt.Sprintf("(weight-inverse-volatility %d %s)", m.window, text)
	f.value = func(p prices, asOf int) (held, error) {
		parts, weights := make([]held, len(children)), make([]*big.Rat, len(children))
		for i, c := range children {
			var err error
			if parts[i], err = c.value(p, asOf); err != nil {
				return nil, err
			}
			volatility := 0.0
			for _, symbol := range slices.Sorted(maps.Keys(parts[i])) {
				v, err := p.metric(m, symbol, asOf)
				if err != nil {
					return nil, err
				}
				w, _ := parts[i][symbol].Float64()
				volatility += w * v
			}
			weights[i] = new(big.Rat)
			if volatility > 0 {
				weights[i].SetFloat64(1 / volatility)
			}
		}
		return something(mixed(parts, weights), nil)
	}
	return f
}

func drawIf(t *rapid.T, depth int) form {
	yes, no := drawForms(t, depth, 0), drawForms(t, depth, 0)
	yesText, f := parts(yes)
	noText, other := parts(no)
	left, right := drawMetric(t), drawMetric(t)
	a, b := drawSymbol(t), drawSymbol(t)
	f.text = fmt.Sprintf("(if (> %s %s) %s %s)", left.text(a), right.text(b), yesText, noText)
	f.symbols = append(append(f.symbols, other.symbols...), a, b)
	f.holds = append(f.holds, other.holds...)
	f.value = func(p prices, asOf int) (held, error) {
		x, err := p.metric(left, a, asOf)
		if err != nil {
			return nil, err
		}
		y, err := p.metric(right, b, asOf)
		if err != nil {
			return nil, err
		}
		if x > y {
			return equally(p, asOf, yes)
		}
		return equally(p, asOf, no)
	}
	return f
}

func drawFilter(t *rapid.T, depth int) form {
	children := drawForms(t, depth, 1)
	text, f := parts(children)
	m, n := drawMetric(t), rapid.IntRange(1, 3).Draw(t, "select")
	side, sign := "bottom", 1
	if rapid.Bool().Draw(t, "top") {
		side, sign = "top", -1
	}
	f.text = fmt.Sprintf("(filter %s (select-%s %d) %s)", m.text(""), side, n, text)
	f.value = func(p prices, asOf int) (held, error) {
		type ranked struct {
			form
			score float64
		}
		var list []ranked
		for _, c := range children {
			score, err := c.score(p, m, asOf)
			if strings.HasPrefix(c.text, "(asset") {
				score, err = p.metric(m, c.symbols[0], asOf)
			}
			if err == nil {
				list = append(list, ranked{c, score})
			}
		}
		slices.SortStableFunc(list, func(a, b ranked) int {
			first := func(f form) string { return slices.Min(append([]string{"~"}, f.holds...)) }
			return cmp.Or(sign*cmp.Compare(a.score, b.score), cmp.Compare(first(a.form), first(b.form)))
		})
		var kept []form
		for _, c := range list[:min(n, len(list))] {
			kept = append(kept, c.form)
		}
		return equally(p, asOf, kept)
	}
	return f
}

// drawPrices draws bars of four symbols that begin on different days and miss some. Few different prices make ties,
// days without a change and portfolios without volatility.
func drawPrices(t *rapid.T, days int) (prices, map[string][]market.Bar) {
	p, bars := prices{}, map[string][]market.Bar{}
	for _, symbol := range []string{"A", "B", "C", "D"} {
		p[symbol] = map[int]float64{}
		gaps := rapid.Bool().Draw(t, "gaps")
		for d := rapid.IntRange(0, 6).Draw(t, "first day"); d < days; d++ {
			if gaps && rapid.IntRange(0, 11).Draw(t, "gap") == 0 {
				continue
			}
			price := rapid.SampledFrom([]float64{10, 10, 10.5, 11, 12, 9, 13.25}).Draw(t, "price")
			p[symbol][d] = price
			bars[symbol] = append(bars[symbol], market.Bar{Date: day(d), Close: decimal.NewFromFloat(price)})
		}
	}
	return p, bars
}

func TestEveryFormAgreesWithAPlainReading(t *testing.T) {
	t.Parallel()
	rapid.Check(t, agreesWithPlainReading)
}

func FuzzEveryForm(f *testing.F) { f.Fuzz(rapid.MakeFuzz(agreesWithPlainReading)) }

func agreesWithPlainReading(t *rapid.T) {
	const days = 16
	p, bars := drawPrices(t, days)
	f := drawForm(t, 3)
	compiled, err := symphony.Parse("test.clj", program(f.text))
	if err != nil {
		t.Fatal(err)
	}
	h, err := symphony.NewHistory(bars)
	if err != nil {
		t.Fatal(err)
	}
	for _, asOf := range []int{days - 1, days - 2, days} { // not in order, and beyond the bars
		want, wantErr := something(f.value(p, asOf))
		for symbol := range want {
			if _, ok := p[symbol][p.lastDay(asOf)]; !ok {
				wantErr = errOracle
			}
		}
		got, err := compiled.Evaluate(h, day(asOf))
		if (err != nil) != (wantErr != nil) {
			t.Fatalf("%s\nas of day %d: %v, want %v", f.text, asOf, err, wantErr)
		}
		if err != nil {
			continue
		}
		if !sum(got.Weights).Equal(one) {
			t.Fatalf("%s sums to %s", show(got.Weights), sum(got.Weights))
		}
		for symbol := range merged(got.Weights, want) {
			w := 0.0
			if want[symbol] != nil {
				w, _ = want[symbol].Float64()
			}
			if diff := got.Weights[symbol].InexactFloat64() - w; diff > 1.1e-6 || diff < -1.1e-6 {
				t.Fatalf("%s\nas of day %d: %s of %s, want %v", f.text, asOf, got.Weights[symbol], symbol, w)
			}
		}
	}
}

func merged(a map[string]decimal.Decimal, b held) map[string]bool {
	all := map[string]bool{}
	for symbol := range a {
		all[symbol] = true
	}
	for symbol := range b {
		all[symbol] = true
	}
	return all
}
