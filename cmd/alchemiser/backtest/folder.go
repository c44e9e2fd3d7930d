package backtest

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/shopspring/decimal"
)

// WriteJSON writes the result as one JSON document.
func (r *Result) WriteJSON(out io.Writer) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// WriteFolder writes report.html, result.json, equity.csv, trades.csv and weights.csv to the folder dir, which it makes
// if there is none. Files of these names are replaced, others are left alone. All files are written elsewhere before the
// first is put in place, so what cannot be written leaves dir as it was.
func (r *Result) WriteFolder(dir string) (err error) {
	dir = filepath.Clean(dir)
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("make a folder for the report: %w", err)
	}
	made, err := os.MkdirTemp(parent, ".backtest-")
	if err != nil {
		return fmt.Errorf("make a folder for the report: %w", err)
	}
	defer os.RemoveAll(made)
	files := map[string]func(io.Writer) error{
		"report.html": r.WriteReport, "result.json": r.WriteJSON,
		"equity.csv": r.writeEquity, "trades.csv": r.writeTrades, "weights.csv": r.writeWeights,
	}
	names := slices.Sorted(maps.Keys(files))
	for _, name := range names {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.IsDir() {
			return fmt.Errorf("write %s: %s is a folder", name, filepath.Join(dir, name))
		}
		if err := writeFile(filepath.Join(made, name), files[name]); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the folder of the report: %w", err)
	}
	for _, name := range names {
		if err := os.Rename(filepath.Join(made, name), filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("put %s in place: %w", name, err)
		}
	}
	return nil
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

func (r *Result) writeEquity(out io.Writer) error {
	rows := [][]string{{"date", "equity_usd", "cash_usd", "benchmark_usd", "drawdown_percent"}}
	for _, d := range r.Days {
		rows = append(rows, []string{
			string(d.Date), d.Equity.StringFixed(2), d.Cash.StringFixed(2), d.Benchmark.StringFixed(2),
			strconv.FormatFloat(100*d.Drawdown, 'f', 4, 64),
		})
	}
	return csv.NewWriter(out).WriteAll(rows)
}

func (r *Result) writeTrades(out io.Writer) error {
	rows := [][]string{{"date", "symbol", "side", "quantity", "price_usd", "notional_usd", "cost_usd", "slippage_usd", "reason"}}
	for _, t := range r.Trades {
		rows = append(rows, []string{
			string(t.Date), t.Symbol, string(t.Side), t.Quantity.String(), t.Price.String(), t.Notional.StringFixed(2),
			t.Cost.StringFixed(4), t.Slippage.StringFixed(4), t.Reason,
		})
	}
	return csv.NewWriter(out).WriteAll(rows)
}

// writeWeights writes fractions of equity, a column for cash and one for each symbol that was ever held.
func (r *Result) writeWeights(out io.Writer) error {
	symbols := slices.Sorted(slices.Values(r.byWeight()))
	rows := [][]string{append([]string{"date", "cash"}, symbols...)}
	for _, d := range r.Days {
		row := []string{string(d.Date), d.Cash.DivRound(d.Equity, 6).StringFixed(6)}
		for _, symbol := range symbols {
			w, held := d.Weights[symbol]
			if !held {
				w = decimal.Zero
			}
			row = append(row, w.StringFixed(6))
		}
		rows = append(rows, row)
	}
	return csv.NewWriter(out).WriteAll(rows)
}
