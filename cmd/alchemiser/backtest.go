package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/backtest"
	"github.com/the-alchemiser/alchemiser/internal/marketdata/csv"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// backtestFlags are the flags of `backtest` as they are given.
type backtestFlags struct {
	portfolio, bars, from, to, fill, benchmark, out    string
	cash, cost, slippage, reserve, minTrade, tolerance string
	json                                               bool
}

func newBacktestCommand() *cobra.Command {
	var f backtestFlags
	cmd := &cobra.Command{
		Use:   "backtest",
		Short: "Run the portfolio over history: the strategies and the planner that trade live, on past prices",
		Long: `Run the portfolio over history with the strategy and planner code that trades live, and print what it would have made.
Each strategy is also run alone with all the money. --out writes an HTML report with charts, and CSV and JSON files.

Without --from it begins on the first day that the strategies have enough history for; without --to it ends with the bars.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.config()
			if err != nil {
				return err
			}
			progress := backtestProgress{out: cmd.ErrOrStderr(), began: time.Now()}
			cfg.Progress = progress.show
			// A backtest makes much garbage and keeps little: collecting it less often saves a quarter of the time.
			defer debug.SetGCPercent(debug.SetGCPercent(400))
			result, err := backtest.Run(cmd.Context(), cfg)
			progress.clear()
			if err != nil {
				return err
			}
			return f.show(cmd.OutOrStdout(), result)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.portfolio, "portfolio", filepath.Join("strategies", "portfolio.yaml"), "the portfolio.yaml, beside the symphonies that it names")
	flags.StringVar(&f.bars, "bars", "", "folder of SYMBOL.csv with daily prices, adjusted for splits and dividends (required)")
	flags.StringVar(&f.from, "from", "", "first day, YYYY-MM-DD")
	flags.StringVar(&f.to, "to", "", "last day, YYYY-MM-DD")
	flags.StringVar(&f.fill, "fill", string(backtest.FillNextClose),
		"next-close: trade at the close after the one that the signals saw, as live runs do; same-close: at that very close, which is optimistic")
	flags.StringVar(&f.cost, "cost-bps", "0", "cost of a trade in basis points of its value")
	flags.StringVar(&f.slippage, "slippage-bps", "0", "how far from the close trades are filled, in basis points of the price")
	flags.StringVar(&f.cash, "cash", "100000", "US dollars to start with")
	flags.StringVar(&f.benchmark, "benchmark", "SPY", "symbol to compare with: bought on the first day and held")
	// The planner's defaults are those of terraform/variables.tf, so that a backtest plans as the deployed system does.
	flags.StringVar(&f.reserve, "reserve", "0.01", "fraction of equity that stays in cash")
	flags.StringVar(&f.minTrade, "min-trade", "5", "smallest trade in US dollars")
	flags.StringVar(&f.tolerance, "tolerance", "0.005", "distance from their targets, as a fraction of equity, within which holdings are left alone")
	flags.StringVar(&f.out, "out", "", "folder to write report.html, result.json, equity.csv, trades.csv and weights.csv to")
	flags.BoolVar(&f.json, "json", false, "print the result as JSON instead of a table")
	if err := cmd.MarkFlagRequired("bars"); err != nil {
		panic(err) // the flag is declared above
	}
	return cmd
}

// config reads the flags, the portfolio and the bars.
func (f backtestFlags) config() (backtest.Config, error) {
	cfg := backtest.Config{Fill: backtest.Fill(f.fill), Benchmark: strings.ToUpper(f.benchmark)}
	for _, n := range []struct {
		to          *decimal.Decimal
		flag, value string
	}{
		{&cfg.CostBps, "cost-bps", f.cost},
		{&cfg.SlippageBps, "slippage-bps", f.slippage},
		{&cfg.Cash, "cash", f.cash},
		{&cfg.Reserve, "reserve", f.reserve},
		{&cfg.MinTrade, "min-trade", f.minTrade},
		{&cfg.Tolerance, "tolerance", f.tolerance},
	} {
		var err error
		if *n.to, err = decimal.NewFromString(n.value); err != nil {
			return cfg, fmt.Errorf("--%s %q: want a number", n.flag, n.value)
		}
	}
	for _, n := range []struct {
		to          *market.Date
		flag, value string
	}{{&cfg.From, "from", f.from}, {&cfg.To, "to", f.to}} {
		if n.value == "" {
			continue
		}
		var err error
		if *n.to, err = market.ParseDate(n.value); err != nil {
			return cfg, fmt.Errorf("--%s: %w", n.flag, err)
		}
	}
	var err error
	if cfg.Portfolio, err = loadPortfolio(f.portfolio); err != nil {
		return cfg, err
	}
	needed := cfg.Portfolio.Symbols()
	if !slices.Contains(needed, cfg.Benchmark) {
		needed = append(needed, cfg.Benchmark)
	}
	if _, err := os.Stat(filepath.Join(f.bars, cfg.Benchmark+".csv")); err != nil {
		needed = nil // all: the benchmark's error lists what there is
	}
	cfg.Bars, err = csv.Open(f.bars, needed...)
	return cfg, err
}

// show writes the report, if one is asked for, and then prints the result: a report that cannot be written prints none.
func (f backtestFlags) show(out io.Writer, r *backtest.Result) error {
	if f.out != "" {
		if err := r.WriteFolder(f.out); err != nil {
			return err
		}
	}
	if f.json {
		return r.WriteJSON(out)
	}
	if err := r.WriteTable(out); err != nil {
		return err
	}
	if f.out != "" {
		_, err := fmt.Fprintf(out, "\nReport: %s\n", filepath.Join(f.out, "report.html"))
		return err
	}
	return nil
}

// backtestProgress draws a bar once a backtest has taken a second, if out is a terminal.
type backtestProgress struct {
	out   io.Writer
	began time.Time
	bar   *progressbar.ProgressBar
}

func (p *backtestProgress) show(done, total int) {
	if p.bar == nil {
		if f, ok := p.out.(*os.File); !ok || time.Since(p.began) < time.Second || !term.IsTerminal(int(f.Fd())) {
			return
		}
		p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(p.out), progressbar.OptionSetWidth(30),
			progressbar.OptionSetDescription("days simulated"), progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond))
	}
	_ = p.bar.Set(done) // a bar that cannot be drawn stops nothing
}

// clear leaves an empty line.
func (p *backtestProgress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
