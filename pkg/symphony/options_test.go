package symphony_test

import (
	"fmt"
	"testing"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/indicator"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

// One history serves programs under different options: none sees the values of another.
func TestOptionsDecideWhatIndicatorsMean(t *testing.T) {
	t.Parallel()
	const rsi = `(if (> (rsi "MIX" {:window 3}) 50) [` + a + `] [` + b + `])`              // 57.14 by Wilder, 0 by Cutler
	const deviation = `(if (> (stdev-return "UP" {:window 2}) 1) [` + a + `] [` + b + `])` // 5.09 a year, 0.32 a day
	const volatility = `(weight-inverse-volatility 2 [(asset "UP" nil) (asset "DOWN" nil)])`
	h := sample(t)
	for name, tt := range map[string]struct {
		options indicator.Options
		body    string
		want    string
		days    int
	}{
		"rsi by default":         {indicator.Options{}, rsi, "A=1.000000", 5},
		"rsi of Wilder":          {indicator.Options{RSI: indicator.Wilder}, rsi, "A=1.000000", 5},
		"rsi of Cutler":          {indicator.Options{RSI: indicator.Cutler}, rsi, "B=1.000000", 0},
		"deviation by default":   {indicator.Options{}, deviation, "A=1.000000", 0},
		"deviation a year":       {indicator.Options{StdevReturn: indicator.Annualised}, deviation, "A=1.000000", 0},
		"deviation a day":        {indicator.Options{StdevReturn: indicator.Daily}, deviation, "B=1.000000", 0},
		"weights do not mind it": {indicator.Options{StdevReturn: indicator.Daily}, volatility, "DOWN=0.458333 UP=0.541667", 0},
		"one way or the other":   {indicator.Options{}, volatility, "DOWN=0.458333 UP=0.541667", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := symphony.ParseWith(tt.options, "test.clj", program(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Evaluate(h, day(4))
			if err != nil || show(got.Weights) != tt.want || got.HistoryDays != tt.days {
				t.Errorf("%s on %d days, %v; want %s on %d", show(got.Weights), got.HistoryDays, err, tt.want, tt.days)
			}
			if fmt.Sprint(p.Options()) != fmt.Sprint(tt.options.Map()) {
				t.Errorf("Options = %v, want %v", p.Options(), tt.options.Map())
			}
		})
	}
}

func TestUnknownOptionIsRefused(t *testing.T) {
	t.Parallel()
	_, err := symphony.ParseWith(indicator.Options{RSI: "simple"}, "test.clj", program(a))
	if err == nil || err.Error() != `rsi: "simple", want wilder or cutler` || fault.CodeOf(err) != fault.Invalid {
		t.Errorf("ParseWith = %v, want the option named", err)
	}
}
