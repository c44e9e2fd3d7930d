// Command costs writes docs/costs.md: what a stage costs a month, from prices.yaml and the quantities of usage.yaml, which
// -measure takes anew from a run on the local endpoint.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	out := flag.String("out", "docs/costs.md", "file to write")
	measured := flag.String("measure", "", "measure first, and write the quantities to this file; costs must then be built again to see them")
	runs := flag.Int("runs", 20, "workflows and watchdogs to measure")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *out, *measured, *runs)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "costs:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out, measured string, runs int) error {
	if measured != "" {
		return measure(ctx, measured, runs)
	}
	text, err := render()
	if err != nil {
		return err
	}
	return os.WriteFile(out, text, 0o644)
}
