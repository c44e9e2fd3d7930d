package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/perf/benchfmt"
)

// publishBudget is for the p99 of one publish, network excluded.
const publishBudget = 100 * time.Microsecond

// The packages whose benchmarks have sections of their own.
const (
	symphonies = "pkg/symphony"
	backtests  = "cmd/alchemiser/backtest"
)

// ownBudgets are for one operation, by the beginning of the benchmark's name.
func ownBudgets() map[string]time.Duration {
	return map[string]time.Duration{
		"FirstEvaluation2MB/nested": 500 * time.Millisecond, "OneMoreDay2MB/nested": 10 * time.Millisecond, "TenYears-": 2 * time.Second,
	}
}

// goBenchmarks runs the module's benchmarks and takes over what they report, those of symphonies and backtests apart.
func goBenchmarks(ctx context.Context, root string) (hot, symphony, backtest []row, err error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", ".", "-benchmem", "./pkg/...", "./internal/...", "./cmd/...")
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, nil, nil, fmt.Errorf("%w\n%s", err, out)
	}
	for r := benchfmt.NewReader(strings.NewReader(string(out)), "go test"); r.Scan(); {
		result, ok := r.Result().(*benchfmt.Result)
		if !ok { // a line that is none of a benchmark's
			continue
		}
		pkg := strings.TrimPrefix(result.GetConfig("pkg"), "github.com/the-alchemiser/alchemiser/")
		switch pkg {
		case symphonies:
			symphony = append(symphony, ownRow(result))
			continue
		case backtests:
			backtest = append(backtest, ownRow(result))
			continue
		}
		line := row{What: pkg + " " + string(result.Name.Full()), Budget: "-", Held: "-"}
		if strings.Contains(line.What, "/floor") {
			line.Budget = "floor"
		}
		var figures []string
		for _, v := range result.Values {
			switch {
			case v.OrigUnit == "p99-ns/op":
				p99 := time.Duration(v.OrigValue)
				figures = append(figures, fmt.Sprintf("p99 %.1f µs", float64(p99.Nanoseconds())/1000))
				line.Budget, line.Held = "p99 ≤ 100 µs", verdict(p99 <= publishBudget)
			case v.OrigUnit == "ns/op":
				figures = append(figures, fmt.Sprintf("%.2f µs/op", v.OrigValue/1000))
			case v.OrigUnit == "" && (v.Unit == "B/op" || v.Unit == "allocs/op"):
				figures = append(figures, fmt.Sprintf("%.0f %s", v.Value, v.Unit))
			}
		}
		line.Figure = strings.Join(figures, ", ")
		hot = append(hot, line)
	}
	if len(hot) == 0 || len(symphony) == 0 || len(backtest) == 0 {
		return nil, nil, nil, errors.New("no benchmark ran")
	}
	return hot, symphony, backtest, nil
}

// ownRow tells a benchmark of milliseconds.
func ownRow(result *benchfmt.Result) row {
	line := row{What: string(result.Name.Full()), Budget: "-", Held: "-"}
	if strings.Contains(line.What, "Floor") {
		line.Budget = "floor"
	}
	var figures []string
	for _, v := range result.Values {
		switch {
		case v.OrigUnit == "ns/op":
			took := time.Duration(v.OrigValue)
			figures = append(figures, ms(took))
			for name, budget := range ownBudgets() {
				if strings.HasPrefix(line.What, name) {
					line.Budget, line.Held = "≤ "+ms(budget), verdict(took <= budget)
				}
			}
		case v.OrigUnit == "" && v.Unit == "B/op":
			figures = append(figures, fmt.Sprintf("%.1f MB", v.Value/1e6))
		case v.OrigUnit == "" && (v.Unit == "allocs/op" || v.Unit == "decisions/op" || v.Unit == "days/op"):
			figures = append(figures, fmt.Sprintf("%.0f %s", v.Value, strings.TrimSuffix(v.Unit, "/op")))
		}
	}
	line.Figure = strings.Join(figures, ", ")
	return line
}
