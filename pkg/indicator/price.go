package indicator

func currentPriceDefinition() Definition {
	return Definition{Name: "current-price", Label: "price", Unit: Price, beyond: 1, compute: currentPrice}
}

// currentPrice is the last close.
func currentPrice(closes []float64, _ int) float64 { return closes[len(closes)-1] }

func movingAveragePriceDefinition() Definition {
	return Definition{
		Name: "moving-average-price", Label: "moving average", Unit: Price, Windowed: true,
		MinWindow: 1, compute: movingAveragePrice,
	}
}

// movingAveragePrice is the mean of the last w closes.
func movingAveragePrice(closes []float64, window int) float64 { return mean(last(closes, window)) }

func exponentialMovingAverageDefinition() Definition {
	return Definition{
		Name: "exponential-moving-average-price", Label: "exponential moving average", Unit: Price, Windowed: true,
		Recursive: true, MinWindow: 1, steps: exponentialMovingAverage,
	}
}

// exponentialMovingAverage is E with E[0] = P[0], E[i] = a·P[i] + (1-a)·E[i-1], a = 2/(w+1), over the whole history.
func exponentialMovingAverage(window int) func(price float64) float64 {
	a := 2 / (float64(window) + 1)
	var average float64
	begun := false
	return func(price float64) float64 {
		if begun {
			average += a * (price - average)
		} else {
			average, begun = price, true
		}
		return average
	}
}

func last(xs []float64, n int) []float64 { return xs[len(xs)-n:] }

// mean sums the distances from the first value, so that the mean of equal values is exactly that value: a price that
// did not move is not above its own average.
func mean(xs []float64) float64 {
	var sum float64
	for _, x := range xs {
		sum += x - xs[0]
	}
	return xs[0] + sum/float64(len(xs))
}
