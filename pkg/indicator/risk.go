package indicator

import "math"

// tradingDays is the number of trading days a year that annualises a deviation.
const tradingDays = 252

// StdevReturn is what the deviation of daily returns is quoted for. Whether Composer's is annualised is disputed; it
// matters against fixed thresholds only.
type StdevReturn string

// The ways. The zero value is Annualised.
const (
	Annualised StdevReturn = "annualised"
	Daily      StdevReturn = "daily"
)

func (v StdevReturn) definition() Definition {
	d := Definition{
		Name: "stdev-return", Label: "volatility", Unit: PercentPerYear, Windowed: true,
		MinWindow: 1, beyond: 1, compute: annualised,
	}
	if v == Daily {
		d.Unit, d.compute = PercentPerDay, deviation
	}
	return d
}

// annualised is the deviation times √252.
func annualised(closes []float64, window int) float64 {
	return deviation(closes, window) * math.Sqrt(tradingDays)
}

// deviation is the population standard deviation (ddof 0) of the last w daily returns in percent.
func deviation(closes []float64, window int) float64 {
	var short [shortWindow]float64
	return math.Sqrt(squares(dailyReturns(short[:0], closes, window)) / float64(window))
}

func stdevPriceDefinition() Definition {
	return Definition{
		Name: "stdev-price", Label: "standard deviation of price", Unit: Price, Windowed: true,
		MinWindow: 2, compute: stdevPrice,
	}
}

// stdevPrice is the sample standard deviation (ddof 1) of the last w closes.
func stdevPrice(closes []float64, window int) float64 {
	return math.Sqrt(squares(last(closes, window)) / float64(window-1))
}

// squares is the sum of squared distances from the mean.
func squares(xs []float64) float64 {
	m := mean(xs)
	var sum float64
	for _, x := range xs {
		sum += (x - m) * (x - m)
	}
	return sum
}

func maxDrawdownDefinition() Definition {
	return Definition{
		Name: "max-drawdown", Label: "maximum drawdown", Unit: Percent, Windowed: true,
		MinWindow: 1, compute: maxDrawdown,
	}
}

// maxDrawdown is the greatest fall from a peak within the last w closes, in percent of the peak, positive.
func maxDrawdown(closes []float64, window int) float64 {
	var peak, worst float64
	for _, p := range last(closes, window) {
		peak = max(peak, p)
		worst = max(worst, (peak-p)/peak*100)
	}
	return worst
}
