package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/pkg/indicator"
	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

// indicatorFlags are the flags of `indicator` as they are given.
type indicatorFlags struct {
	name, symbol, bars, date string
	rsi, stdevReturn         string
	window                   int
	json                     bool
}

func newIndicatorCommand() *cobra.Command {
	var f indicatorFlags
	cmd := &cobra.Command{
		Use:   "indicator",
		Short: "Print the value of one indicator as of a day",
		Long:  "Print the value of one indicator on the daily closes of a symbol up to a day. The indicators: " + indicatorNames() + ".",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, err := f.value()
			if err != nil {
				return err
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), map[string]float64{"value": v})
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), strconv.FormatFloat(v, 'f', -1, 64))
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.name, "name", "", "the indicator, such as rsi (required)")
	flags.IntVar(&f.window, "window", 0, "its window in days; current-price has none")
	flags.StringVar(&f.symbol, "symbol", "", "the symbol, such as SPY (required)")
	flags.StringVar(&f.bars, "bars", "", "folder of SYMBOL.csv with daily prices, adjusted for splits and dividends (required)")
	flags.StringVar(&f.date, "date", "", "the last day that is seen, YYYY-MM-DD; the last session before it if it has none (required)")
	flags.StringVar(&f.rsi, "rsi", "", "wilder (default) or cutler")
	flags.StringVar(&f.stdevReturn, "stdev-return", "", "annualised (default) or daily")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	for _, name := range []string{"name", "symbol", "bars", "date"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is declared above
		}
	}
	return cmd
}

func (f indicatorFlags) value() (float64, error) {
	date, err := market.ParseDate(f.date)
	if err != nil {
		return 0, fmt.Errorf("--date: %w", err)
	}
	options := indicator.Options{RSI: indicator.RSI(f.rsi), StdevReturn: indicator.StdevReturn(f.stdevReturn)}
	if err := options.Check(); err != nil {
		return 0, fmt.Errorf("--%w", err)
	}
	def, ok := options.Lookup(f.name)
	if !ok {
		return 0, fmt.Errorf("--name %q: want one of %s", f.name, indicatorNames())
	}
	if err := def.CheckWindow(f.window); err != nil {
		return 0, fmt.Errorf("--window: %w", err)
	}
	symbol, err := symphony.ParseSymbol(f.symbol)
	if err != nil {
		return 0, fmt.Errorf("--%w", err)
	}
	p, err := openPrices(f.bars, date, []string{symbol})
	if err != nil {
		return 0, err
	}
	v, err := p.history.Value(def, symbol, f.window, p.asOf)
	var short *symphony.HistoryError
	if errors.As(err, &short) {
		return 0, fmt.Errorf("as of %s: %w", p.asOf, err)
	}
	return v, err
}

func indicatorNames() string {
	var names []string
	for _, d := range indicator.All() {
		names = append(names, d.Name)
	}
	return strings.Join(names, ", ")
}
