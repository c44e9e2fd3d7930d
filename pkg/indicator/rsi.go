package indicator

// RSI is how gains and losses are averaged. Sources differ: Composer's own text describes simple averages, its live
// results fit Wilder's.
type RSI string

// The ways. The zero value is Wilder.
const (
	// Wilder smooths over the whole history.
	Wilder RSI = "wilder"
	// Cutler takes simple averages over the window.
	Cutler RSI = "cutler"
)

func (v RSI) definition() Definition {
	d := Definition{Name: "rsi", Label: "RSI", Unit: Index, Windowed: true, MinWindow: 1, beyond: 1}
	if v == Cutler {
		d.compute = cutler
		return d
	}
	d.Recursive, d.steps = true, wilder
	return d
}

// wilder is the relative strength index of J. Welles Wilder, New Concepts in Technical Trading Systems (1978), with his
// smoothing over the whole history: with d[i] = P[i]-P[i-1], G[0] = 0 and G[i] = max(d[i],0)/w + (1-1/w)·G[i-1], L
// likewise for losses, it is strength(G, L).
func wilder(window int) func(price float64) float64 {
	w := float64(window)
	keep := 1 - 1/w
	var before, gain, loss float64
	begun := false
	return func(price float64) float64 {
		if begun {
			d := price - before
			gain = max(d, 0)/w + keep*gain
			loss = max(-d, 0)/w + keep*loss
		}
		before, begun = price, true
		return strength(gain, loss)
	}
}

// cutler is the relative strength index with simple averages of the last w gains and losses: it depends on the last
// w+1 closes alone.
func cutler(closes []float64, window int) float64 {
	var gain, loss float64
	tail := last(closes, window+1)
	for i := range window {
		d := tail[i+1] - tail[i]
		gain += max(d, 0)
		loss += max(-d, 0)
	}
	return strength(gain, loss)
}

// strength is 100 - 100/(1+gain/loss); without a loss it is 100, without any change 50.
func strength(gain, loss float64) float64 {
	switch {
	case gain == 0 && loss == 0:
		return 50
	case loss == 0:
		return 100
	default:
		return 100 - 100/(1+gain/loss)
	}
}
