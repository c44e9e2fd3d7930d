// Package csv serves daily bars from a folder of files, SYMBOL.csv each: real prices for tests, the paper simulator and
// the command line.
//
// A file has a header line, either `date,close` or `date,open,high,low,close,volume`, and a line for each trading day,
// oldest first. Reading is strict: what is not certainly right is refused with file and line, as a wrong price would
// otherwise become a wrong order. Prices are taken as they are; adjusting them for splits and dividends is the part of
// whoever wrote the files.
package csv

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/strategy"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

var _ strategy.Prices = (*Source)(nil)

// symbolForm is what a file may be named after: AAPL, BRK.B.
var symbolForm = regexp.MustCompile(`^[A-Z][A-Z0-9]*(\.[A-Z0-9]+)?$`)

// maxFaults is how many faulty files one error names.
const maxFaults = 10

// Source holds the bars of a folder. It is never changed after construction and safe for concurrent use.
type Source struct {
	dir     string
	symbols []string
	bars    map[string][]market.Bar
	last    market.Date
}

// Open reads every SYMBOL.csv of the folder dir. See Load.
func Open(dir string) (*Source, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fault.New(fault.Invalid, "folder of bars: %w", err)
	}
	if !info.IsDir() {
		return nil, fault.New(fault.Invalid, "folder of bars: %s is not a folder; want one that holds a SYMBOL.csv for each symbol", dir)
	}
	return Load(os.DirFS(dir), dir)
}

// Load reads every SYMBOL.csv at the top of fsys; dir is how errors call it. Files with another ending are left
// alone. It returns a fault.Invalid error that names file and line of the first fault of each faulty file, or one that
// says that there is no file at all.
func Load(fsys fs.FS, dir string) (*Source, error) {
	names, err := fs.Glob(fsys, "*.csv")
	if err != nil {
		return nil, fault.New(fault.Invalid, "folder of bars %s: %w", dir, err)
	}
	if len(names) == 0 {
		return nil, fault.New(fault.Invalid, "folder of bars: %s holds no SYMBOL.csv", dir)
	}
	s := &Source{dir: dir, bars: make(map[string][]market.Bar, len(names))}
	var faults []error
	for _, name := range names {
		if len(faults) == maxFaults {
			faults = append(faults, fault.New(fault.Invalid, "and perhaps more: reading stopped after %d faulty files", maxFaults))
			break
		}
		if err := s.load(fsys, name); err != nil {
			faults = append(faults, err)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	sort.Strings(s.symbols)
	return s, nil
}

func (s *Source) load(fsys fs.FS, name string) error {
	symbol := strings.TrimSuffix(name, ".csv")
	if !symbolForm.MatchString(symbol) {
		return fault.New(fault.Invalid, "%s: the name is not a symbol; want one such as AAPL.csv or BRK.B.csv", path.Join(s.dir, name))
	}
	file, err := fsys.Open(name)
	if err != nil {
		return fault.New(fault.Invalid, "read bars of %s: %w", symbol, err)
	}
	defer file.Close()
	bars, err := Decode(path.Join(s.dir, name), file)
	if err != nil {
		return err
	}
	s.symbols = append(s.symbols, symbol)
	s.bars[symbol] = bars
	s.last = max(s.last, bars[len(bars)-1].Date)
	return nil
}

// Symbols returns the symbols in alphabetical order.
func (s *Source) Symbols() []string { return slices.Clone(s.symbols) }

// LastDate returns the latest date that any symbol has a bar of.
func (s *Source) LastDate() market.Date { return s.last }

// Bars returns all bars of symbol, oldest first, or a fault.Invalid error if there is no file for it. The slice is
// shared: it must not be changed.
func (s *Source) Bars(symbol string) ([]market.Bar, error) {
	bars, ok := s.bars[symbol]
	if !ok {
		return nil, fault.New(fault.Invalid, "no bars of %s: %s holds no %s.csv", symbol, s.dir, symbol)
	}
	return slices.Clip(bars), nil
}

// DailyBars implements strategy.Prices. The slices are shared: they must not be changed.
func (s *Source) DailyBars(ctx context.Context, symbols []string, until market.Date) (map[string][]market.Bar, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out := make(map[string][]market.Bar, len(symbols))
	var faults []error
	for _, symbol := range symbols {
		bars, err := s.Bars(symbol)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		n := sort.Search(len(bars), func(i int) bool { return bars[i].Date > until })
		out[symbol] = bars[:n:n]
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return out, nil
}
