package main

import (
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/the-alchemiser/alchemiser/internal/stack"
)

// Prices that the strategies cannot run on are refused before anything is deployed.
func TestBarsAreTriedBeforeTheDeployment(t *testing.T) {
	for name, tt := range map[string]struct {
		change map[string]string
		want   string
	}{
		"as they should be": {map[string]string{"bars/ENDED.csv": ""}, ""}, // of no strategy
		"symbols that are missing": {
			map[string]string{"strategies/trend.clj": `(defsymphony "T" {:asset-class "EQUITIES"} (weight-equal [(asset "XX" nil) (asset "YY" nil)]))`},
			"the strategies cannot run on these prices: no bars of XX, YY",
		},
		"too little history": {
			map[string]string{"bars/SPY.csv": "date,close\n2024-12-06,105\n", "bars/BIL.csv": "date,close\n2024-12-06,91\n"},
			"moving-average-price of SPY with window 3 needs 3 bars of history, there is 1",
		},
		"a bad file":    {map[string]string{"bars/SPY.csv": "date,close\n2024-12-02,NaN\n"}, `SPY.csv:2: close "NaN"`},
		"no strategies": {map[string]string{"strategies/portfolio.yaml": "id: main\n"}, "portfolio.yaml: no strategies"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{
				"strategies/trend.clj": `(defsymphony "Trend" {:asset-class "EQUITIES"}
					(if (> (current-price "SPY") (moving-average-price "SPY" {:window 3})) [(asset "SPY" nil)] [(asset "BIL" nil)]))`,
				"strategies/portfolio.yaml": "id: main\nstrategies: [{file: trend.clj, weight: 1}]\n",
			}
			maps.Copy(files, tt.change)
			dir := fiveDays(t, files)
			cfg, err := withBars(stack.Config{Root: dir}, "bars")
			if tt.want == "" {
				if err != nil || cfg.Bars != filepath.Join(dir, "bars") {
					t.Errorf("bars %q, %v", cfg.Bars, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}
