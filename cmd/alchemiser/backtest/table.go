package backtest

import (
	"cmp"
	"fmt"
	"io"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// line is one line of the table of figures, as it is shown.
type line struct {
	Name  string
	Cells []string
}

// headings are those of the cells of a line.
func headings() []string {
	return []string{
		"Share", "Final equity", "CAGR", "Volatility", "Sharpe", "Sortino", "Max drawdown", "Turnover a year", "Trades", "Exposure", "Costs",
	}
}

// lines are the figures of the total, of each strategy and of the benchmark.
func (r *Result) lines() []line {
	out := []line{newLine("Total", decimal.NewFromInt(1), r.Total)}
	for _, s := range r.Strategies {
		out = append(out, newLine(s.Strategy, s.Allocation, s.Figures))
	}
	hold := newLine(r.Parameters.Benchmark+", held", decimal.Zero, r.Benchmark)
	hold.Cells[0] = "" // it is no part of the portfolio
	return append(out, hold)
}

func newLine(name string, share decimal.Decimal, f Figures) line {
	return line{name, []string{
		share.Shift(2).String() + " %", market.USD(f.FinalEquityUSD), percents(f.CAGRPercent), percents(f.VolatilityPercent), figure(f.Sharpe), figure(f.Sortino),
		percents(f.MaxDrawdownPercent), percents(f.TurnoverPercentAYear), strconv.Itoa(f.Trades), percents(f.ExposurePercent),
		market.USD(f.CostsUSD.Add(f.SlippageUSD)),
	}}
}

// WriteTable writes the figures as a table for people.
func (r *Result) WriteTable(out io.Writer) error {
	p := r.Parameters
	_, err := fmt.Fprintf(out, "Backtest of %s, %s to %s: %d trading days, %s to start with, %s fills, costs %s and slippage %s basis points\n\n",
		p.Portfolio, p.From, p.To, p.TradingDays, market.USD(p.CashUSD), p.Fill, p.CostBps, p.SlippageBps)
	if err != nil {
		return err
	}
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	heads := table.Row{""}
	configs := []table.ColumnConfig{}
	for i, h := range headings() {
		heads = append(heads, h)
		configs = append(configs, table.ColumnConfig{Number: i + 2, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.AppendHeader(heads)
	t.SetColumnConfigs(configs)
	lines := r.lines()
	for i, l := range lines {
		row := table.Row{l.Name}
		for _, c := range l.Cells {
			row = append(row, c)
		}
		if i == 1 || i == len(lines)-1 {
			t.AppendSeparator()
		}
		t.AppendRow(row)
	}
	_, err = fmt.Fprintf(out, "%s\n%s", t.Render(), r.notes())
	return err
}

// notes say what the table cannot.
func (r *Result) notes() string {
	if p := r.Parameters; p.CompleteFrom == "" || p.From < p.CompleteFrom {
		return notes + fmt.Sprintf("Before %s some strategies had less history than they can use: filters left out what they could not score.\n",
			cmp.Or(p.CompleteFrom, "its end"))
	}
	return notes
}

const notes = `Strategies are each run alone with all the money; their share says how much of it they place in the portfolio.
CAGR, volatility and turnover are a year's. Sharpe and Sortino are annualised, with a risk-free rate of 0. Costs include slippage.
`

func percents(v float64) string { return fmt.Sprintf("%.2f %%", v) }

// figure writes a ratio, or a dash if there is none.
func figure(v *float64) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprintf("%.2f", *v)
}
