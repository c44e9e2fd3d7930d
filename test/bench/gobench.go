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

// goBenchmarks runs the module's benchmarks and takes over what they report.
func goBenchmarks(ctx context.Context, root string) ([]row, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", ".", "-benchmem", "./pkg/...", "./internal/...")
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	var rows []row
	for r := benchfmt.NewReader(strings.NewReader(string(out)), "go test"); r.Scan(); {
		result, ok := r.Result().(*benchfmt.Result)
		if !ok { // a line that is none of a benchmark's
			continue
		}
		what := strings.TrimPrefix(result.GetConfig("pkg"), "github.com/the-alchemiser/alchemiser/") + " " + string(result.Name.Full())
		line := row{What: what, Budget: "-", Held: "-"}
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
		rows = append(rows, line)
	}
	if len(rows) == 0 {
		return nil, errors.New("no benchmark ran")
	}
	return rows, nil
}
