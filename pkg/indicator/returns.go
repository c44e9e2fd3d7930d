package indicator

func cumulativeReturnDefinition() Definition {
	return Definition{
		Name: "cumulative-return", Label: "cumulative return", Unit: Percent, Windowed: true,
		MinWindow: 1, beyond: 1, compute: cumulativeReturn,
	}
}

// cumulativeReturn is (P[n-1]/P[n-1-w] - 1)·100.
func cumulativeReturn(closes []float64, window int) float64 {
	n := len(closes)
	return (closes[n-1]/closes[n-1-window] - 1) * 100
}

func movingAverageReturnDefinition() Definition {
	return Definition{
		Name: "moving-average-return", Label: "average daily return", Unit: PercentPerDay, Windowed: true,
		MinWindow: 1, beyond: 1, compute: movingAverageReturn,
	}
}

// movingAverageReturn is the mean of the last w daily returns in percent.
func movingAverageReturn(closes []float64, window int) float64 {
	var short [shortWindow]float64
	return mean(dailyReturns(short[:0], closes, window))
}

// shortWindow is up to how many days daily returns take no memory from the heap.
const shortWindow = 256

// dailyReturns appends the last n daily returns (P[i]/P[i-1] - 1)·100 to returns.
func dailyReturns(returns, closes []float64, n int) []float64 {
	tail := last(closes, n+1)
	for i := range n {
		returns = append(returns, (tail[i+1]/tail[i]-1)*100)
	}
	return returns
}
