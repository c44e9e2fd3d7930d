// Package backtest runs a portfolio over history: the strategy code and the planner that trade live, on the bars of the
// past, with an account that is simulated.
//
// On each trading day the strategies say what they want to hold, knowing the bars up to the as-of day and no other; the
// planner turns that into trades for the simulated account at the day's prices; the trades are filled at the day's close.
// Whoever runs a portfolio this way sees what its rules would have done, not what the market would have answered:
// docs/backtest.md says what is left out. Money and quantities are decimals; only the figures about them are floats.
package backtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/shopspring/decimal"
	"golang.org/x/sync/errgroup"

	"github.com/the-alchemiser/alchemiser/internal/strategy"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

// Fill says at which close the trades of a signal are filled.
type Fill string

const (
	// FillNextClose fills at the close of the trading day after the last one that the signal has seen, as live runs do.
	FillNextClose Fill = "next-close"
	// FillSameClose fills at the very close that the signal has seen last: what next-close trades on a day is traded a day
	// earlier. Nobody can know a close and trade at it, so its figures are an upper bound for rules that react to the
	// close.
	FillSameClose Fill = "same-close"
)

// Bars are the prices.
type Bars interface {
	// Symbols returns every symbol there is, in alphabetical order.
	Symbols() []string
	// Bars returns all bars of symbol, oldest first, or an error that names it.
	Bars(symbol string) ([]market.Bar, error)
}

// Config is what a backtest needs.
type Config struct {
	Portfolio *strategy.Portfolio
	Bars      Bars
	// From and To are the first and the last day, both included; without trading on them the next inside counts. Empty
	// they are the first day for which the strategies have all the history that they can use, and the last that all symbols
	// have bars of. An earlier From is taken as far as the strategies can be evaluated, as it would be live.
	From, To market.Date
	Fill     Fill
	// CostBps is what a trade costs, SlippageBps how far from the close it is filled, to the trader's disadvantage: in
	// basis points of its value and its price, each from 0 to less than 10,000.
	CostBps, SlippageBps decimal.Decimal
	// Cash is what the account starts with, in US dollars, above 0.
	Cash decimal.Decimal
	// Benchmark is the symbol that is bought on the first day with all the money, and held.
	Benchmark string
	// Reserve and Tolerance are fractions of equity and MinTrade is in US dollars: the planner's.
	Reserve, MinTrade, Tolerance decimal.Decimal
	// Progress is told how much of the work is done; it may be nil. Calls do not overlap.
	Progress func(done, total int)
}

// Result is what a backtest found. It is the document that --json prints.
type Result struct {
	Parameters Parameters `json:"parameters"`
	// Total is the portfolio's, Strategies those of each strategy alone with all the money, Benchmark that of the symbol.
	Total      Figures           `json:"total"`
	Strategies []StrategyFigures `json:"strategies"`
	Benchmark  Figures           `json:"benchmark"`

	// Days and Trades are the portfolio's, oldest first.
	Days   []Day   `json:"-"`
	Trades []Trade `json:"-"`
}

// Parameters are what the result depends on, as they were in force.
type Parameters struct {
	Portfolio string      `json:"portfolio"`
	From      market.Date `json:"from"`
	To        market.Date `json:"to"`
	// CompleteFrom is the first day for which the strategies had all the history that they can use; before it filters leave
	// out what they cannot score. It is empty if there is no such day.
	CompleteFrom market.Date     `json:"complete_from"`
	TradingDays  int             `json:"trading_days"`
	Fill         Fill            `json:"fill"`
	CostBps      decimal.Decimal `json:"cost_bps"`
	SlippageBps  decimal.Decimal `json:"slippage_bps"`
	CashUSD      decimal.Decimal `json:"cash_usd"`
	Benchmark    string          `json:"benchmark"`
	Reserve      decimal.Decimal `json:"reserve_fraction"`
	MinTradeUSD  decimal.Decimal `json:"min_trade_usd"`
	Tolerance    decimal.Decimal `json:"tolerance_fraction"`
}

// StrategyFigures are the figures of one strategy.
type StrategyFigures struct {
	Strategy string `json:"strategy"`
	// Digest is the SHA-256 of the strategy's text in hex.
	Digest string `json:"digest"`
	// Options are the definitions in force where sources differ about an indicator.
	Options map[string]string `json:"options"`
	// Allocation is the strategy's share of the portfolio, in (0, 1].
	Allocation decimal.Decimal `json:"allocation_fraction"`
	Figures
}

// Run runs the backtest that cfg describes. It returns a fault.Invalid error that says what is wrong with cfg, with the
// range (and which one there is) or with the bars, and the errors of strategies and planner with their date. The same
// arguments always give the same result.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	tape, err := newTape(cfg)
	if err != nil {
		return nil, err
	}
	work := &work{report: cfg.Progress, total: len(tape.days) * (len(cfg.Portfolio.Strategies) + 2)}
	all, err := signals(ctx, cfg.Portfolio, tape, work)
	if err != nil {
		return nil, err
	}
	runs := make([]run, len(all))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range all {
		group.Go(func() error {
			var err error
			runs[i], err = simulate(ctx, cfg, tape, all[i], work)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return cfg.result(tape, runs), nil
}

func (cfg Config) validate() error {
	var faults []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fault.New(fault.Invalid, format, args...))
		}
	}
	tenThousand, one := decimal.NewFromInt(10_000), decimal.NewFromInt(1)
	within := func(d, limit decimal.Decimal) bool { return !d.IsNegative() && d.LessThan(limit) }
	refuse(cfg.Portfolio == nil, "a portfolio is required")
	refuse(cfg.Bars == nil, "bars are required")
	refuse(cfg.Fill != FillNextClose && cfg.Fill != FillSameClose, "fill %q: want %s or %s", cfg.Fill, FillNextClose, FillSameClose)
	refuse(!within(cfg.CostBps, tenThousand), "costs of %s: want basis points from 0 to less than 10000", cfg.CostBps)
	refuse(!within(cfg.SlippageBps, tenThousand), "slippage of %s: want basis points from 0 to less than 10000", cfg.SlippageBps)
	refuse(!cfg.Cash.IsPositive(), "cash of %s: want US dollars above 0", cfg.Cash)
	refuse(!within(cfg.Reserve, one), "reserve of %s: want a fraction from 0 to less than 1", cfg.Reserve)
	refuse(!within(cfg.Tolerance, one), "tolerance of %s: want a fraction from 0 to less than 1", cfg.Tolerance)
	refuse(!cfg.MinTrade.IsPositive(), "minimum trade of %s: want US dollars above 0", cfg.MinTrade)
	refuse(cfg.From != "" && cfg.To != "" && cfg.From > cfg.To, "from %s to %s: want the earlier day first", cfg.From, cfg.To)
	return errors.Join(faults...)
}

// result computes the figures of runs: the portfolio's is the first, those of its strategies follow.
func (cfg Config) result(t *tape, runs []run) *Result {
	hold := t.buyAndHold(cfg.Cash)
	for i := range runs[0].days {
		runs[0].days[i].Benchmark = hold.days[i].Equity
	}
	r := &Result{
		Parameters: Parameters{
			Portfolio: cfg.Portfolio.ID, From: t.days[0].date, To: t.days[len(t.days)-1].date, CompleteFrom: t.complete,
			TradingDays: len(t.days), Fill: cfg.Fill,
			CostBps: cfg.CostBps, SlippageBps: cfg.SlippageBps, CashUSD: cfg.Cash, Benchmark: cfg.Benchmark,
			Reserve: cfg.Reserve, MinTradeUSD: cfg.MinTrade, Tolerance: cfg.Tolerance,
		},
		Total: runs[0].figures(cfg.Cash), Benchmark: hold.figures(cfg.Cash),
		Days: runs[0].days, Trades: runs[0].trades,
	}
	for i, s := range cfg.Portfolio.Strategies {
		r.Strategies = append(r.Strategies, StrategyFigures{
			Strategy: s.Name, Digest: s.Program.Digest(), Options: s.Program.Options(), Allocation: s.Allocation, Figures: runs[i+1].figures(cfg.Cash),
		})
	}
	return r
}

// wanted is what a portfolio, or a strategy alone, wants to hold on one day, and how it comes about.
type wanted struct {
	weights map[string]decimal.Decimal
	signals []events.StrategySignal
}

// signals returns what the portfolio and then each of its strategies want to hold, by day.
func signals(ctx context.Context, p *strategy.Portfolio, t *tape, w *work) ([][]wanted, error) {
	history, err := symphony.NewHistory(t.bars)
	if err != nil {
		return nil, err
	}
	all := make([][]wanted, len(p.Strategies)+1)
	for i := range all {
		all[i] = make([]wanted, len(t.days))
	}
	evaluate := func(i int) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		day := t.days[i]
		merged, parts, err := p.Signals(history, day.asOf, day.trading)
		if err != nil {
			if short := new(symphony.HistoryError); errors.As(err, &short) {
				return fmt.Errorf("signals for %s: %w; %s", day.date, err, t.usable)
			}
			return fmt.Errorf("signals for %s: %w", day.date, err)
		}
		for j := range parts {
			parts[j].Reasons = nil // those of thousands of days are a burden
			all[j+1][i] = wanted{parts[j].Weights, parts[j : j+1]}
		}
		all[0][i] = wanted{merged, parts}
		w.done()
		return nil
	}
	// Each worker has a stretch of days of its own. All of them come to their ends, so that the error is the first day's.
	workers := min(runtime.GOMAXPROCS(0), len(t.days))
	faults := make([]error, workers)
	var group sync.WaitGroup
	for n := range workers {
		group.Go(func() {
			for i := n * len(t.days) / workers; i < (n+1)*len(t.days)/workers && faults[n] == nil; i++ {
				faults[n] = evaluate(i)
			}
		})
	}
	group.Wait()
	return all, cmp.Or(faults...)
}

// work counts what is done of all that there is to do. It is safe for concurrent use.
type work struct {
	report func(done, total int)
	total  int

	mu    sync.Mutex
	count int
}

func (w *work) done() {
	if w.report == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count++
	w.report(w.count, w.total)
}
