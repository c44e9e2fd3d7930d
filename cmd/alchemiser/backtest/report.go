package backtest

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"math"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

const (
	// largestTrades is how many trades the report lists.
	largestTrades = 20
	// namedSymbols is how many symbols have a colour of their own in the weights; the others share one.
	namedSymbols = 8
	// weightSteps is about how many points an area of the weights has: a mean of a few days each, as more cannot be seen.
	weightSteps = 260
)

//go:embed report.html.tmpl
var reportText string

// page is what the report shows.
type page struct {
	*Result
	Headings []string
	Lines    []line
	Tiles    []tile
	Charts   []*chart
	Years    []year
	Largest  []Trade
	Notes    string
}

// tile is a figure that is shown large, and the benchmark's beside it.
type tile struct{ Name, Value, Benchmark string }

// year is what a calendar year returned.
type year struct{ Name, Total, Benchmark string }

// WriteReport writes the report: one HTML page that needs nothing else.
func (r *Result) WriteReport(out io.Writer) error {
	t, err := template.New("report").Funcs(template.FuncMap{"dollars": market.USD}).Parse(reportText)
	if err != nil {
		return fmt.Errorf("parse the report's template: %w", err)
	}
	p := page{Result: r, Headings: headings(), Lines: r.lines(), Years: r.years(), Notes: r.notes(), Largest: r.largest()}
	p.Tiles = []tile{
		{"Growth a year (CAGR)", percents(r.Total.CAGRPercent), percents(r.Benchmark.CAGRPercent)},
		{"Volatility a year", percents(r.Total.VolatilityPercent), percents(r.Benchmark.VolatilityPercent)},
		{"Sharpe ratio", figure(r.Total.Sharpe), figure(r.Benchmark.Sharpe)},
		{"Max drawdown", percents(r.Total.MaxDrawdownPercent), percents(r.Benchmark.MaxDrawdownPercent)},
	}
	p.Charts = []*chart{r.equityChart(), r.drawdownChart(), r.weightsChart()}
	return t.Execute(out, p)
}

func (r *Result) dates() []market.Date {
	out := make([]market.Date, len(r.Days))
	for i, d := range r.Days {
		out[i] = d.Date
	}
	return out
}

// series returns one number of each day.
func (r *Result) series(of func(Day) float64) []float64 {
	out := make([]float64, len(r.Days))
	for i, d := range r.Days {
		out[i] = of(d)
	}
	return out
}

func (r *Result) equityChart() *chart {
	total := r.series(func(d Day) float64 { return d.Equity.InexactFloat64() })
	hold := r.series(func(d Day) float64 { return d.Benchmark.InexactFloat64() })
	text := fmt.Sprintf("From %s the portfolio came to %s and %s to %s.", market.USD(r.Parameters.CashUSD), market.USD(r.Total.FinalEquityUSD),
		r.Parameters.Benchmark, market.USD(r.Benchmark.FinalEquityUSD))
	c := newChart("equity", "Equity", text, 340, r.dates(), min(slices.Min(total), slices.Min(hold)), max(slices.Max(total), slices.Max(hold)), shortDollars)
	c.line("cb", r.Parameters.Benchmark+", held", hold)
	c.line("c0", "Portfolio", total)
	return c
}

func (r *Result) drawdownChart() *chart {
	total := r.series(func(d Day) float64 { return -100 * d.Drawdown })
	peak := 0.0
	hold := r.series(func(d Day) float64 {
		v := d.Benchmark.InexactFloat64()
		peak = max(peak, v)
		return 100 * (v/peak - 1)
	})
	text := fmt.Sprintf("How far the value was below its highest before, at each close. At worst the portfolio had lost %s and %s %s.",
		percents(r.Total.MaxDrawdownPercent), r.Parameters.Benchmark, percents(r.Benchmark.MaxDrawdownPercent))
	c := newChart("drawdown", "Drawdown", text, 220, r.dates(), min(slices.Min(total), slices.Min(hold)), 0, shortPercent)
	c.area("c0", "Portfolio", 1, make([]float64, len(total)), total)
	c.line("cb", r.Parameters.Benchmark+", held", hold)
	c.line("c0", "", total)
	return c
}

// weightsChart stacks the weights: the symbols that were held most, the others together, cash on top.
func (r *Result) weightsChart() *chart {
	step := max(len(r.Days)/weightSteps, 1)
	symbols := r.byWeight()
	named := symbols[:min(len(symbols), namedSymbols)]
	invested := r.series(func(d Day) float64 { return 100 * (1 - ratio(d.Cash, d.Equity)) }) // above 100 if costs are owed
	c := newChart("weights", "Weights", "", 320, r.dates(), 0, max(100, math.Floor(slices.Max(invested))), shortPercent)
	lower := make([]float64, (len(r.Days)+step-1)/step)
	stack := func(class, name string, weight func(Day) decimal.Decimal) {
		upper := make([]float64, len(lower))
		sum := 0.0
		for i := range upper {
			days := r.Days[i*step : min((i+1)*step, len(r.Days))]
			for _, d := range days {
				w := 100 * weight(d).InexactFloat64()
				upper[i] += w / float64(len(days))
				sum += w / float64(len(r.Days))
			}
			upper[i] += lower[i]
		}
		c.area(class, fmt.Sprintf("%s %.1f %%", name, sum), step, lower, upper)
		lower = upper
	}
	for i, symbol := range named {
		stack(fmt.Sprintf("c%d", i), symbol, func(d Day) decimal.Decimal { return d.Weights[symbol] })
	}
	if rest := symbols[len(named):]; len(rest) > 0 {
		stack("co", fmt.Sprintf("%d others", len(rest)), func(d Day) (sum decimal.Decimal) {
			for _, symbol := range rest {
				sum = sum.Add(d.Weights[symbol])
			}
			return sum
		})
	}
	c.Text = "Shares of the equity at the closes; the legend names them from the bottom up, with their means over all days. What is left is cash."
	if step > 1 {
		c.Text += fmt.Sprintf(" Each point is a mean of %d trading days.", step)
	}
	return c
}

// byWeight returns every symbol that was held, the one with the greatest mean weight first.
func (r *Result) byWeight() []string {
	sums := map[string]decimal.Decimal{}
	for _, d := range r.Days {
		for symbol, w := range d.Weights {
			sums[symbol] = sums[symbol].Add(w)
		}
	}
	return slices.SortedFunc(maps.Keys(sums), func(a, b string) int { return cmp.Or(sums[b].Cmp(sums[a]), cmp.Compare(a, b)) })
}

// years returns what each calendar year, or the part of it that was run, returned.
func (r *Result) years() []year {
	var out []year
	equity, hold := r.Parameters.CashUSD, r.Days[0].Benchmark
	for i, d := range r.Days {
		name := string(d.Date)[:4]
		if i+1 < len(r.Days) && string(r.Days[i+1].Date)[:4] == name {
			continue
		}
		out = append(out, year{name, percents(percent(ratio(d.Equity, equity) - 1)), percents(percent(ratio(d.Benchmark, hold) - 1))})
		equity, hold = d.Equity, d.Benchmark
	}
	return out
}

// largest returns the trades of the greatest value.
func (r *Result) largest() []Trade {
	byValue := slices.SortedStableFunc(slices.Values(r.Trades), func(a, b Trade) int { return b.Notional.Cmp(a.Notional) })
	return byValue[:min(len(byValue), largestTrades)]
}
