package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/internal/nyse"
	"github.com/the-alchemiser/alchemiser/internal/strategy"
	"github.com/the-alchemiser/alchemiser/pkg/indicator"
	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

// signalsFlags are the flags of `signals` as they are given.
type signalsFlags struct {
	symphony, portfolio, bars, date string
	rsi, stdevReturn                string
	json                            bool
}

func newSignalsCommand() *cobra.Command {
	var f signalsFlags
	cmd := &cobra.Command{
		Use:   "signals",
		Short: "Show what a symphony, or the portfolio, wants to hold as of a day, and why",
		Long: `Evaluate one symphony (--symphony) as of a day: it sees the bars up to that day and nothing else. Its rebalancing frequency
makes no difference here.

Or ask the whole portfolio (--portfolio) what it would trade towards on the session after that day: strategies that do not
trade then keep what they have.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := f.evaluate()
			if err != nil {
				return err
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), s)
			}
			s.print(cmd.OutOrStdout())
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.symphony, "symphony", "", "the symphony's file")
	flags.StringVar(&f.portfolio, "portfolio", "", "a portfolio.yaml, beside the symphonies that it names")
	flags.StringVar(&f.bars, "bars", "", "folder of SYMBOL.csv with daily prices, adjusted for splits and dividends (required)")
	flags.StringVar(&f.date, "date", "", "the last day that is seen, YYYY-MM-DD; the last session before it if it has none (required)")
	flags.StringVar(&f.rsi, "rsi", "", "with --symphony: wilder (default) or cutler")
	flags.StringVar(&f.stdevReturn, "stdev-return", "", "with --symphony: annualised (default) or daily")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	cmd.MarkFlagsOneRequired("symphony", "portfolio")
	cmd.MarkFlagsMutuallyExclusive("symphony", "portfolio")
	for _, name := range []string{"bars", "date"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is declared above
		}
	}
	return cmd
}

// signals is what was asked for. The fields of the JSON are fixed: scripts read them.
type signals struct {
	Date    market.Date       `json:"date"`
	AsOf    market.Date       `json:"as_of"`
	Weights map[string]string `json:"weights"`
	Reasons []signalReason    `json:"reasons"`
	// Options are the definitions in force, HistoryDays the bars that recursive indicators have seen.
	Options     map[string]string `json:"options"`
	HistoryDays int               `json:"history_days"`

	title    string
	warnings []string
}

// signalReason is a decision; Strategy is that of a portfolio.
type signalReason struct {
	Strategy string `json:"strategy,omitempty"`
	Path     string `json:"path"`
	Text     string `json:"text"`
}

func (f signalsFlags) evaluate() (*signals, error) {
	date, err := market.ParseDate(f.date)
	if err != nil {
		return nil, fmt.Errorf("--date: %w", err)
	}
	if f.portfolio != "" {
		return f.evaluatePortfolio(date)
	}
	return f.evaluateSymphony(date)
}

func (f signalsFlags) evaluateSymphony(date market.Date) (*signals, error) {
	options := indicator.Options{RSI: indicator.RSI(f.rsi), StdevReturn: indicator.StdevReturn(f.stdevReturn)}
	if err := options.Check(); err != nil {
		return nil, fmt.Errorf("--%w", err)
	}
	text, err := os.ReadFile(f.symphony)
	if err != nil {
		return nil, fmt.Errorf("--symphony: %w", err)
	}
	program, err := symphony.ParseWith(options, f.symphony, string(text))
	if err != nil {
		return nil, err
	}
	if len(program.Symbols()) == 0 {
		return nil, fmt.Errorf("%s: it names no symbol, so there is nothing to hold", f.symphony)
	}
	prices, err := openPrices(f.bars, date, program.Symbols())
	if err != nil {
		return nil, err
	}
	result, err := program.Evaluate(prices.history, prices.asOf)
	if err != nil {
		return nil, err
	}
	s := &signals{
		Date: date, AsOf: prices.asOf, Weights: sixPlaces(result.Weights), Reasons: []signalReason{},
		Options: program.Options(), HistoryDays: result.HistoryDays, title: program.Name(), warnings: program.Warnings(),
	}
	if frequency := program.Frequency(); frequency != symphony.FrequencyDaily {
		s.warnings = append(s.warnings, fmt.Sprintf("it rebalances %s: between its days it keeps what it has (--portfolio shows that)", frequency))
	}
	for _, r := range result.Reasons {
		s.Reasons = append(s.Reasons, signalReason{Path: r.Path, Text: r.Text})
	}
	return s, nil
}

func (f signalsFlags) evaluatePortfolio(date market.Date) (*signals, error) {
	if f.rsi != "" || f.stdevReturn != "" {
		return nil, errors.New("--rsi and --stdev-return are for --symphony: a portfolio has its options in portfolio.yaml")
	}
	portfolio, err := loadPortfolio(f.portfolio)
	if err != nil {
		return nil, err
	}
	prices, err := openPrices(f.bars, date, portfolio.Symbols())
	if err != nil {
		return nil, err
	}
	sessions, err := nyse.New()
	if err != nil {
		return nil, err
	}
	trading := sessions.Next(prices.asOf)
	weights, byStrategy, err := portfolio.Signals(prices.history, prices.asOf, trading)
	if err != nil {
		return nil, err
	}
	s := &signals{
		Date: date, AsOf: prices.asOf, Weights: sixPlaces(weights), Reasons: []signalReason{}, Options: map[string]string{},
		title: fmt.Sprintf("portfolio %s, to trade on %s", portfolio.ID, trading),
	}
	for i, one := range byStrategy {
		s.Options = one.Options // those of the portfolio
		s.HistoryDays = max(s.HistoryDays, one.HistoryDays)
		for _, warning := range portfolio.Strategies[i].Program.Warnings() {
			s.warnings = append(s.warnings, one.Strategy+": "+warning)
		}
		for _, r := range one.Reasons {
			s.Reasons = append(s.Reasons, signalReason{Strategy: one.Strategy, Path: r.Path, Text: r.Text})
		}
	}
	return s, nil
}

// loadPortfolio reads the portfolio.yaml at path and the symphonies beside it.
func loadPortfolio(path string) (*strategy.Portfolio, error) {
	if filepath.Base(path) != "portfolio.yaml" {
		return nil, fmt.Errorf("--portfolio %s: want a file portfolio.yaml", path)
	}
	return strategy.LoadPortfolio(os.DirFS(filepath.Dir(path)))
}

func sixPlaces(weights map[string]decimal.Decimal) map[string]string {
	out := make(map[string]string, len(weights))
	for symbol, w := range weights {
		out[symbol] = w.StringFixed(6)
	}
	return out
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// print writes the signals for people: the weights, largest first, then how they came about.
func (s *signals) print(w io.Writer) {
	asOf := "as of " + string(s.AsOf)
	if s.AsOf != s.Date {
		asOf += fmt.Sprintf(", the last session up to %s", s.Date)
	}
	fmt.Fprintf(w, "%s, %s\n\n", s.title, asOf)
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"symbol", "weight"})
	for _, symbol := range slices.SortedFunc(maps.Keys(s.Weights), func(a, b string) int {
		if byWeight := decimal.RequireFromString(s.Weights[b]).Cmp(decimal.RequireFromString(s.Weights[a])); byWeight != 0 {
			return byWeight
		}
		return strings.Compare(a, b)
	}) {
		percent := decimal.RequireFromString(s.Weights[symbol]).Shift(2)
		t.AppendRow(table.Row{symbol, percent.StringFixed(4) + " %"})
	}
	fmt.Fprintf(w, "%s\n\nWhy:\n", t.Render())
	strategyName := ""
	for _, r := range s.Reasons {
		if r.Strategy != strategyName {
			strategyName = r.Strategy
			fmt.Fprintf(w, "  %s\n", strategyName)
		}
		fmt.Fprintf(w, "  - %s\n", r.Text)
	}
	if len(s.Reasons) == 0 {
		fmt.Fprintln(w, "  - it takes no decisions: its weights are fixed")
	}
	for _, warning := range s.warnings {
		fmt.Fprintf(w, "\nNote: %s\n", warning)
	}
}
