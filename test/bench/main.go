// Command bench measures what is promised to be fast, against the budgets, and writes docs/benchmarks.md. Figures of one
// machine mean little: each stands beside a budget or a floor that was measured in the same run.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"text/template"
	"time"
)

// functions are the Lambdas, in the order of a workflow.
var functions = [...]string{"strategy", "portfolio", "execution", "monitor"}

func main() {
	out := flag.String("out", "docs/benchmarks.md", "file to write")
	workflows := flag.Int("workflows", 200, "warm workflows to measure")
	starts := flag.Int("starts", 30, "process starts to measure per function")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *out, *workflows, *starts)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// row is one line of the page.
type row struct {
	What   string
	Figure string
	Budget string
	Held   string
}

// results is what the page shows.
type results struct {
	Machine  string
	Date     string
	Command  string
	Startup  []row
	Running  []row
	Load     []row
	Symphony []row
	Backtest []row
	Go       []row
}

func run(ctx context.Context, out string, workflows, starts int) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	r := results{
		Machine: machine(),
		Date:    time.Now().UTC().Format(time.DateOnly),
		Command: fmt.Sprintf("make bench (%d warm workflows, %d process starts a function)", workflows, starts),
	}
	if r.Startup, err = measureStartup(ctx, root, starts); err != nil {
		return fmt.Errorf("start-up: %w", err)
	}
	if r.Running, err = measureRunning(ctx, root, workflows); err != nil {
		return fmt.Errorf("running stack: %w", err)
	}
	if r.Load, err = measureLoad(ctx, filepath.Join(root, "bin", "alchemiser")); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	stored, err := measureStore()
	if err != nil {
		return fmt.Errorf("load of the store: %w", err)
	}
	r.Load = append(r.Load, stored...)
	invoked, err := measureLambdaLoad(ctx, filepath.Join(root, "bin", "alchemiser"))
	if err != nil {
		return fmt.Errorf("load of a function: %w", err)
	}
	r.Load = append(r.Load, invoked...)
	if r.Go, r.Symphony, r.Backtest, err = goBenchmarks(ctx, root); err != nil {
		return fmt.Errorf("go test -bench: %w", err)
	}
	page, err := template.ParseFiles(filepath.Join(root, "test", "bench", "page.tmpl"))
	if err != nil {
		return err
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	return errors.Join(page.Execute(f, r), f.Close())
}

// percentile returns the p-th percentile of sorted durations by the nearest-rank method.
func percentile(sorted []time.Duration, p float64) time.Duration {
	rank := int(float64(len(sorted))*p/100 + 0.999999)
	return sorted[min(max(rank, 1), len(sorted))-1]
}

func sorted(ds []time.Duration) []time.Duration {
	slices.Sort(ds)
	return ds
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

func verdict(held bool) string {
	if held {
		return "yes"
	}
	return "**no**"
}

func machine() string {
	cpu := runtime.GOARCH
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
				cpu = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d cores, %s, %s", cpu, runtime.NumCPU(), runtime.GOOS, runtime.Version())
}
