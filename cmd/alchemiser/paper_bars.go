package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/internal/broker/paper"
)

func newPaperBarsCommand() *cobra.Command {
	var seed uint64
	var out string
	cmd := &cobra.Command{
		Use:   "bars",
		Short: "Write the prices of a simulated market as files",
		Long: `Write the prices of a simulated market, SYMBOL.csv each, to a folder that does not exist yet: for signals, indicator,
backtest and demo, where there are no real prices at hand. They are those of "paper up" with the same seed: three years of 20
symbols that walk at random. Whatever a strategy earns on them is luck.`,
		Example: `  alchemiser paper bars --out bars
  alchemiser signals --symphony strategies/trend.clj --bars bars --date 2026-02-27`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			prices := paper.Seeded(seed)
			if err := writeBars(out, prices); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Wrote simulated prices of %d symbols up to %s to %s\n", len(prices.Symbols()), prices.LastDate(), out)
			return nil
		},
	}
	cmd.Flags().Uint64Var(&seed, "seed", 1, "seed of the simulated market")
	cmd.Flags().StringVar(&out, "out", "", "folder to make (required)")
	if err := cmd.MarkFlagRequired("out"); err != nil {
		panic(err) // the flag is defined above
	}
	return cmd
}

// writeBars writes prices in the form that internal/marketdata/csv reads.
func writeBars(folder string, prices paper.Prices) error {
	if err := os.Mkdir(folder, 0o755); err != nil {
		return fmt.Errorf("%w; --out names a folder that is made", err)
	}
	for _, symbol := range prices.Symbols() {
		bars, err := prices.Bars(symbol)
		if err != nil {
			return err
		}
		lines := [][]string{{"date", "open", "high", "low", "close", "volume"}}
		for _, b := range bars {
			lines = append(lines, []string{string(b.Date), b.Open.String(), b.High.String(), b.Low.String(), b.Close.String(), b.Volume.String()})
		}
		file, err := os.Create(filepath.Join(folder, symbol+".csv"))
		if err != nil {
			return err
		}
		err = csv.NewWriter(file).WriteAll(lines)
		if closed := file.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", file.Name(), err)
		}
	}
	return nil
}
