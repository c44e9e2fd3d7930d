package backtest_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/backtest"
	"github.com/the-alchemiser/alchemiser/internal/strategy"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// busy trades often: it ranks, smooths and looks back.
const busy = `(weight-equal [
	(if (> (rsi "AAA" {:window 3}) 50) [(asset "AAA" nil)] [(asset "BBB" nil) (asset "CCC" nil)])
	(filter (cumulative-return {:window 2}) (select-top 1) [(asset "AAA" nil) (asset "BBB" nil) (asset "CCC" nil)])])`

const walkDays = 40

// walk makes closes of three symbols that wander, in cents.
func walk(seed uint64) fakeBars {
	random := rand.New(rand.NewPCG(seed, 1))
	bars := fakeBars{}
	for _, symbol := range []string{"AAA", "BBB", "CCC"} {
		cents := 5_000 + random.Int64N(20_000)
		closes := make([]string, walkDays)
		for i := range closes {
			cents += cents * (random.Int64N(1_001) - 500) / 10_000 // up to 5 % a day
			closes[i] = decimal.New(cents, -2).String()
		}
		bars[symbol] = weekdays("2024-01-01", closes...)
	}
	return bars
}

func drawConfig(t *rapid.T, p *strategy.Portfolio) (backtest.Config, fakeBars) {
	bars := walk(rapid.Uint64().Draw(t, "seed"))
	cfg := config(p, bars)
	cfg.Fill = rapid.SampledFrom([]backtest.Fill{backtest.FillNextClose, backtest.FillSameClose}).Draw(t, "fill")
	cfg.CostBps = decimal.New(rapid.Int64Range(0, 500).Draw(t, "costs"), -1)
	cfg.SlippageBps = decimal.New(rapid.Int64Range(0, 500).Draw(t, "slippage"), -1)
	cfg.Reserve = decimal.New(rapid.Int64Range(0, 99).Draw(t, "reserve"), -2)
	cfg.Tolerance = decimal.New(rapid.Int64Range(0, 200).Draw(t, "tolerance"), -3)
	cfg.Cash = decimal.New(rapid.Int64Range(10_000, 1e9).Draw(t, "cash"), -2)
	return cfg, bars
}

// Money comes from nowhere and goes nowhere: what the account is worth is what it began with, less purchases, plus sales,
// less costs, plus what it holds.
func TestMoneyIsConserved(t *testing.T) {
	t.Parallel()
	p := portfolioOf(t, busy)
	rapid.Check(t, func(t *rapid.T) {
		cfg, bars := drawConfig(t, p)
		r, err := backtest.Run(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		trades := r.Trades
		cash, costs := cfg.Cash, decimal.Zero
		held := map[string]decimal.Decimal{}
		for _, day := range r.Days {
			for ; len(trades) > 0 && trades[0].Date == day.Date; trades = trades[1:] {
				trade := trades[0]
				signed := trade.Quantity
				if trade.Side == market.Sell {
					signed = signed.Neg()
				}
				cash = cash.Sub(signed.Mul(trade.Price)).Sub(trade.Cost)
				costs = costs.Add(trade.Cost)
				held[trade.Symbol] = held[trade.Symbol].Add(signed)
				if held[trade.Symbol].IsNegative() {
					t.Fatalf("%s: %s shares of %s", day.Date, held[trade.Symbol], trade.Symbol)
				}
				checkPrice(t, cfg, trade, closeOn(bars[trade.Symbol], day.Date))
			}
			equity, weights := cash, decimal.Zero
			for symbol, quantity := range held {
				value := quantity.Mul(closeOn(bars[symbol], day.Date))
				equity = equity.Add(value)
				weights = weights.Add(day.Weights[symbol])
			}
			if !day.Cash.Equal(cash) || !day.Equity.Equal(equity) {
				t.Fatalf("%s: cash %s, equity %s; want %s, %s", day.Date, day.Cash, day.Equity, cash, equity)
			}
			if cash.LessThan(costs.Neg()) {
				t.Fatalf("%s: cash is %s although all costs so far are %s", day.Date, cash, costs)
			}
			if off := weights.Add(cash.DivRound(equity, 6)).Sub(d("1")).Abs(); off.GreaterThan(d("0.00001")) {
				t.Fatalf("%s: weights and cash are %s off 1", day.Date, off)
			}
		}
		if len(trades) != 0 {
			t.Fatalf("%d trades are of no day", len(trades))
		}
	})
}

// checkPrice says whether a trade was filled at the close, moved against the trader by the slippage.
func checkPrice(t *rapid.T, cfg backtest.Config, trade backtest.Trade, at decimal.Decimal) {
	away := at.Mul(cfg.SlippageBps).Shift(-4)
	want := at.Add(away)
	if trade.Side == market.Sell {
		want = at.Sub(away)
	}
	if !trade.Price.Equal(want) || !trade.Slippage.Equal(away.Mul(trade.Quantity)) || !trade.Cost.Equal(trade.Notional.Mul(cfg.CostBps).Shift(-4)) {
		t.Fatalf("%+v: want a price of %s, which is %s off the close, and costs of %s bps", trade, want, away, cfg.CostBps)
	}
}

func closeOn(bars []market.Bar, date market.Date) decimal.Decimal {
	for _, b := range bars {
		if b.Date == date {
			return b.Close
		}
	}
	panic(fmt.Sprintf("no bar on %s", date))
}

// Whatever comes after a day, nothing up to that day changes.
func TestTheFutureIsNotSeen(t *testing.T) {
	t.Parallel()
	p := portfolioOf(t, busy)
	rapid.Check(t, func(t *rapid.T) {
		cfg, past := drawConfig(t, p)
		want, err := backtest.Run(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		other := walk(rapid.Uint64().Draw(t, "other"))
		known := rapid.IntRange(6, walkDays-1).Draw(t, "known")
		changed := past.clone()
		for symbol, bars := range changed {
			copy(bars[known:], other[symbol][known:])
		}
		last := changed["AAA"][known-1].Date
		cfg.Bars = changed
		got, err := backtest.Run(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(until(want, last), until(got, last)); diff != "" {
			t.Fatalf("%s fills: another future changes what was up to %s (-before +after):\n%s", cfg.Fill, last, diff)
		}
	})
}

// until is what a result says of the days up to date.
func until(r *backtest.Result, date market.Date) backtest.Result {
	var out backtest.Result
	for _, day := range r.Days {
		if day.Date <= date {
			out.Days = append(out.Days, day)
		}
	}
	for _, trade := range r.Trades {
		if trade.Date <= date {
			out.Trades = append(out.Trades, trade)
		}
	}
	return out
}

// The close at which next-close fills decides how much is traded, never what.
func TestTheDayOfAFillDecidesNothing(t *testing.T) {
	t.Parallel()
	bars := crossing()
	for i := range bars["BBB"] {
		if bars["BBB"][i].Date == thu { // the day of the first switch
			bars["BBB"][i].Close = d("1")
		}
	}
	cfg := config(portfolioOf(t, dearer), bars)
	cfg.To = thu
	r := runOf(t, cfg)
	if last := r.Trades[len(r.Trades)-1]; last.Date != thu || last.Symbol != "BBB" || last.Side != market.Buy {
		t.Errorf("the last trade is %+v, want BBB bought on Thursday for Wednesday's close", last)
	}
}
