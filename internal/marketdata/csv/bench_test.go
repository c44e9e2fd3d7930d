package csv_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/the-alchemiser/alchemiser/internal/marketdata/csv"
)

func BenchmarkOpen(b *testing.B) {
	dir := shared(b, "data/bars")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := csv.Open(dir); err != nil {
			b.Fatal(err)
		}
	}
}

// The floor: reading the same files.
func BenchmarkOpenFloor(b *testing.B) {
	files, err := filepath.Glob(filepath.Join(shared(b, "data/bars"), "*.csv"))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for _, file := range files {
			if _, err := os.ReadFile(file); err != nil {
				b.Fatal(err)
			}
		}
	}
}
