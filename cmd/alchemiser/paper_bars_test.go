package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/broker/paper"
	"github.com/the-alchemiser/alchemiser/internal/marketdata/csv"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// What is written is read back by the strict reader of all other commands as the very market that the seed makes.
func TestPaperBarsAreTheSimulatedMarket(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "bars")
	write := func() error {
		cmd := newRootCommand()
		cmd.SetArgs([]string{"paper", "bars", "--seed", "7", "--out", folder})
		var out strings.Builder
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		return cmd.ExecuteContext(t.Context())
	}
	if err := write(); err != nil {
		t.Fatal(err)
	}
	got, err := csv.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	want := paper.Seeded(7)
	for _, symbol := range want.Symbols() {
		written, err := got.Bars(symbol)
		if err != nil {
			t.Fatal(err)
		}
		made, err := want.Bars(symbol)
		if err != nil {
			t.Fatal(err)
		}
		if len(written) != len(made) {
			t.Fatalf("%s has %d bars, want %d", symbol, len(written), len(made))
		}
		for i := range made {
			if !same(written[i], made[i]) {
				t.Fatalf("%s: bar %v, want %v", symbol, written[i], made[i])
			}
		}
	}
	if err := write(); err == nil || !strings.Contains(err.Error(), "--out") {
		t.Errorf("over a folder that exists: %v, want a refusal that names --out", err)
	}
}

func same(a, b market.Bar) bool {
	pairs := [][2]decimal.Decimal{{a.Open, b.Open}, {a.High, b.High}, {a.Low, b.Low}, {a.Close, b.Close}, {a.Volume, b.Volume}}
	for _, p := range pairs {
		if !p[0].Equal(p[1]) {
			return false
		}
	}
	return a.Date == b.Date
}
