package backtest

import (
	"math"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// tradingDays is how many trading days count as a year when daily figures are annualised.
const tradingDays = 252

// Figures are what a run is judged by. Percentages are numbers such as 12.5. Daily returns are those from one close to
// the next, after costs; the risk-free rate is taken as 0 throughout.
type Figures struct {
	FinalEquityUSD     decimal.Decimal `json:"final_equity_usd"`
	TotalReturnPercent float64         `json:"total_return_percent"`
	// CAGRPercent is the compound annual growth rate: (final equity / cash)^(1/years) - 1, in years of 365.25 days from
	// the first day to the last.
	CAGRPercent float64 `json:"cagr_percent"`
	// VolatilityPercent is the sample standard deviation of the daily returns times √252.
	VolatilityPercent float64 `json:"volatility_percent"`
	// Sharpe is the mean of the daily returns over their sample standard deviation, times √252 (W. F. Sharpe, The Sharpe
	// Ratio, Journal of Portfolio Management, 1994). It is nil if the returns do not vary.
	Sharpe *float64 `json:"sharpe"`
	// Sortino is the mean of the daily returns over their downside deviation, the root of the mean over all days of
	// min(return, 0)², times √252 (F. A. Sortino and L. N. Price, Performance Measurement in a Downside Risk Framework,
	// Journal of Investing, 1994; target 0). It is nil if no day lost.
	Sortino *float64 `json:"sortino"`
	// MaxDrawdownPercent is the greatest fall of the equity at a close from its highest close before, positive.
	MaxDrawdownPercent float64 `json:"max_drawdown_percent"`
	// TurnoverPercentAYear is the lesser of all purchases and all sales, over the mean equity and the years: 100 means that as
	// much was replaced in a year as there was. US funds report theirs so (SEC Form N-1A, item 13).
	TurnoverPercentAYear float64 `json:"turnover_percent_a_year"`
	Trades               int     `json:"trades"`
	// ExposurePercent is the mean over the days of what was invested as a share of equity.
	ExposurePercent float64 `json:"exposure_percent"`
	// CostsUSD is what was paid for trades, SlippageUSD what was lost to fills away from the close.
	CostsUSD    decimal.Decimal `json:"costs_usd"`
	SlippageUSD decimal.Decimal `json:"slippage_usd"`
}

// figures computes the figures of r, which began with cash.
func (r run) figures(cash decimal.Decimal) Figures {
	last := r.days[len(r.days)-1]
	years := yearsBetween(r.days[0].Date, last.Date)
	growth := ratio(last.Equity, cash)
	f := Figures{
		FinalEquityUSD: last.Equity.Round(2), TotalReturnPercent: percent(growth - 1),
		CAGRPercent: percent(math.Pow(growth, 1/years) - 1), Trades: len(r.trades),
	}
	returns := r.returns()
	mean, deviation, downside := moments(returns)
	f.VolatilityPercent = percent(deviation * math.Sqrt(tradingDays))
	f.Sharpe, f.Sortino = annual(mean, deviation), annual(mean, downside)

	traded := map[market.Side]decimal.Decimal{}
	equity, invested := 0.0, 0.0
	for _, t := range r.trades {
		traded[t.Side] = traded[t.Side].Add(t.Notional)
		f.CostsUSD, f.SlippageUSD = f.CostsUSD.Add(t.Cost), f.SlippageUSD.Add(t.Slippage)
	}
	f.CostsUSD, f.SlippageUSD = f.CostsUSD.Round(2), f.SlippageUSD.Round(2)
	drawdown := 0.0
	for i, d := range r.days {
		equity += r.equities[i]
		invested += 1 - d.Cash.InexactFloat64()/r.equities[i]
		drawdown = max(drawdown, d.Drawdown)
	}
	n := float64(len(r.days))
	f.MaxDrawdownPercent, f.ExposurePercent = percent(drawdown), percent(invested/n)
	f.TurnoverPercentAYear = percent(decimal.Min(traded[market.Buy], traded[market.Sell]).InexactFloat64() / (equity / n) / years)
	return f
}

// returns are the daily returns from the first close on.
func (r run) returns() []float64 {
	out := make([]float64, len(r.equities)-1)
	for i := range out {
		out[i] = r.equities[i+1]/r.equities[i] - 1
	}
	return out
}

// moments returns mean, sample standard deviation and downside deviation from 0. A single return has no deviation.
func moments(returns []float64) (mean, deviation, downside float64) {
	n := float64(len(returns))
	for _, r := range returns {
		mean += r / n
		downside += min(r, 0) * min(r, 0) / n
	}
	for _, r := range returns {
		deviation += (r - mean) * (r - mean) / max(n-1, 1)
	}
	return mean, math.Sqrt(deviation), math.Sqrt(downside)
}

// annual is the annualised ratio of a mean to a risk, nil without a risk.
func annual(mean, risk float64) *float64 {
	if risk == 0 {
		return nil
	}
	return new(rounded(mean / risk * math.Sqrt(tradingDays)))
}

// buyAndHold is the run of someone who spends all cash on the benchmark at the first close, free of costs.
func (t *tape) buyAndHold(cash decimal.Decimal) run {
	r := run{trades: []Trade{{Date: t.days[0].date, Side: market.Buy, Notional: cash}}}
	peak := cash.InexactFloat64()
	for i, d := range t.days {
		r.add(Day{Date: d.date, Equity: cash.Mul(t.benchmark[i]).DivRound(t.benchmark[0], 16)}, &peak)
	}
	return r
}

// yearsBetween counts years of 365.25 days.
func yearsBetween(from, to market.Date) float64 {
	a, _ := time.Parse(time.DateOnly, string(from)) // dates of bars
	b, _ := time.Parse(time.DateOnly, string(to))
	return b.Sub(a).Hours() / 24 / 365.25
}

func ratio(a, b decimal.Decimal) float64 { return a.InexactFloat64() / b.InexactFloat64() }

func percent(fraction float64) float64 { return rounded(fraction * 100) }

// rounded cuts what no figure is exact to, so that the same run prints the same on every machine.
func rounded(v float64) float64 { return math.Round(v*1e6) / 1e6 }
