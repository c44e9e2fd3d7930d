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
	"runtime"
	"slices"
	"sort"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/the-alchemiser/alchemiser/internal/nyse"
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

// Open reads SYMBOL.csv of the folder dir for each of symbols, or for all that there are if none is named. See Load.
func Open(dir string, symbols ...string) (*Source, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fault.New(fault.Invalid, "folder of bars: %w", err)
	}
	if !info.IsDir() {
		return nil, fault.New(fault.Invalid, "folder of bars: %s is not a folder; want one that holds a SYMBOL.csv for each symbol", dir)
	}
	return Load(os.DirFS(dir), dir, symbols...)
}

// Load reads SYMBOL.csv at the top of fsys for each of symbols, or for all that there are if none is named; dir is how
// errors call it. Files with another ending are left alone. It returns a fault.Invalid error that names file and line of
// the first fault of each faulty file, or the symbols that have no file.
func Load(fsys fs.FS, dir string, symbols ...string) (*Source, error) {
	names, err := names(fsys, dir, symbols)
	if err != nil {
		return nil, err
	}
	sessions, err := nyse.New()
	if err != nil {
		return nil, err
	}
	s := &Source{dir: dir, bars: make(map[string][]market.Bar, len(names))}
	read := make([][]market.Bar, len(names))
	errs := make([]error, len(names))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, name := range names {
		group.Go(func() error {
			read[i], errs[i] = s.load(fsys, name, sessions)
			return nil
		})
	}
	_ = group.Wait() // each has its own error
	if err := joined(errs); err != nil {
		return nil, err
	}
	for i, name := range names {
		symbol := strings.TrimSuffix(name, ".csv")
		s.symbols = append(s.symbols, symbol)
		s.bars[symbol] = read[i]
		s.last = max(s.last, read[i][len(read[i])-1].Date)
	}
	sort.Strings(s.symbols)
	return s, nil
}

// names returns the files to read.
func names(fsys fs.FS, dir string, symbols []string) ([]string, error) {
	all, err := fs.Glob(fsys, "*.csv")
	if err != nil {
		return nil, fault.New(fault.Invalid, "folder of bars %s: %w", dir, err)
	}
	if len(all) == 0 {
		return nil, fault.New(fault.Invalid, "folder of bars: %s holds no SYMBOL.csv", dir)
	}
	if len(symbols) == 0 {
		return all, nil
	}
	var wanted, missing []string
	for _, symbol := range slices.Compact(slices.Sorted(slices.Values(symbols))) {
		if name := symbol + ".csv"; slices.Contains(all, name) {
			wanted = append(wanted, name)
		} else {
			missing = append(missing, symbol)
		}
	}
	if len(missing) > 0 {
		return nil, fault.New(fault.Invalid, "no bars of %s: %s holds no such SYMBOL.csv", strings.Join(missing, ", "), dir)
	}
	return wanted, nil
}

// joined joins the errors of files, as many as a person reads.
func joined(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if more := len(errs) - maxFaults; more > 0 {
		errs = append(errs[:maxFaults], fault.New(fault.Invalid, "and %d more faulty files", more))
	}
	return errors.Join(errs...)
}

func (s *Source) load(fsys fs.FS, name string, sessions *nyse.Calendar) ([]market.Bar, error) {
	symbol := strings.TrimSuffix(name, ".csv")
	if !symbolForm.MatchString(symbol) {
		return nil, fault.New(fault.Invalid, "%s: the name is not a symbol; want one such as AAPL.csv or BRK.B.csv", path.Join(s.dir, name))
	}
	file, err := fsys.Open(name)
	if err != nil {
		return nil, fault.New(fault.Invalid, "read bars of %s: %w", symbol, err)
	}
	defer file.Close()
	return decode(path.Join(s.dir, name), file, sessions)
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
