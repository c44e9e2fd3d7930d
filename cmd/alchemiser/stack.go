package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/internal/marketdata/csv"
	"github.com/the-alchemiser/alchemiser/internal/nyse"
	"github.com/the-alchemiser/alchemiser/internal/stack"
)

// stackConfig describes the local stack of the stage that the command names, run from the checkout's root.
func stackConfig(cmd *cobra.Command) (stack.Config, error) {
	stage, err := cmd.Flags().GetString("stage")
	if err != nil {
		return stack.Config{}, err
	}
	root, err := os.Getwd()
	if err != nil {
		return stack.Config{}, fmt.Errorf("find the checkout: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return stack.Config{}, fmt.Errorf("find this program: %w", err)
	}
	architecture := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	if architecture == "" {
		return stack.Config{}, fmt.Errorf("processor %s: Lambda functions run on amd64 and arm64 only", runtime.GOARCH)
	}
	return stack.Config{Root: root, Executable: self, Stage: stage, Architecture: architecture}, nil
}

// withBars adds the folder of prices, made absolute, as the broker runs in a folder of its own choice.
func withBars(cfg stack.Config, bars string) (stack.Config, error) {
	if bars == "" {
		return cfg, nil
	}
	abs, err := filepath.Abs(bars)
	if err != nil {
		return cfg, fmt.Errorf("bars %s: %w", bars, err)
	}
	if info, err := os.Stat(abs); err != nil || !info.IsDir() {
		return cfg, fmt.Errorf("bars %s: not a folder: give one with SYMBOL.csv files (date,close), or leave BARS away for a simulated market", bars)
	}
	cfg.Bars = abs
	return cfg, tryStrategies(filepath.Join(cfg.Root, "strategies"), abs)
}

// tryStrategies runs the strategies of a folder once on the bars, as of their last day: what is missing or wrong is better
// said now than by a run that fails in a minute.
func tryStrategies(strategies, bars string) error {
	portfolio, err := loadPortfolio(filepath.Join(strategies, "portfolio.yaml"))
	if err != nil {
		return err
	}
	symbols := portfolio.Symbols()
	source, err := csv.Open(bars, symbols...)
	if err != nil {
		return fmt.Errorf("the strategies cannot run on these prices: %w", err)
	}
	p, err := openPrices(bars, source.LastDate(), symbols)
	if err != nil {
		return fmt.Errorf("the strategies cannot run on these prices: %w", err)
	}
	sessions, err := nyse.New()
	if err != nil {
		return err
	}
	if _, _, err := portfolio.Signals(p.history, p.asOf, sessions.Next(p.asOf)); err != nil {
		return fmt.Errorf("the strategies cannot run on these prices: %w", err)
	}
	return nil
}
