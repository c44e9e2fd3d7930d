package indicator

func rsiDefinition() Definition {
	return Definition{
		Name: "rsi", Label: "RSI", Unit: Index, Windowed: true, Recursive: true,
		minWindow: 1, beyond: 1, compute: rsi,
	}
}

// rsi is the relative strength index of J. Welles Wilder, New Concepts in Technical Trading Systems (1978), with his
// smoothing over the whole history: with d[i] = P[i]-P[i-1], G[0] = 0 and G[i] = max(d[i],0)/w + (1-1/w)·G[i-1], L
// likewise for losses, it is 100 - 100/(1+G/L). Without a loss it is 100, without any change 50.
func rsi(closes []float64, window int) float64 {
	w := float64(window)
	keep := 1 - 1/w
	var gain, loss float64
	for i := 1; i < len(closes); i++ {
		d := closes[i] - closes[i-1]
		gain = max(d, 0)/w + keep*gain
		loss = max(-d, 0)/w + keep*loss
	}
	switch {
	case gain == 0 && loss == 0:
		return 50
	case loss == 0:
		return 100
	default:
		return 100 - 100/(1+gain/loss)
	}
}
