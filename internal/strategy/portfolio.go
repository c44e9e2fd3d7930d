package strategy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/indicator"
	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

// portfolioFile names the symphonies and their shares.
const portfolioFile = "portfolio.yaml"

var (
	// portfolioID is what Terraform accepts as an id.
	portfolioID = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)
	// allocationForm keeps out signs, exponents and what YAML takes for numbers besides.
	allocationForm = regexp.MustCompile(`^(1(\.0{1,6})?|0?\.[0-9]{1,6})$`)
)

// Portfolio is a set of symphonies with their shares. It is never changed after LoadPortfolio and safe for concurrent
// use.
type Portfolio struct {
	ID         string
	Strategies []Strategy
}

// Strategy is one symphony of a portfolio.
type Strategy struct {
	// Name is the file's name without folder and ending; each is there once.
	Name string
	// Allocation is the share of the portfolio, in (0, 1]; those of a portfolio sum to exactly 1.
	Allocation decimal.Decimal
	Program    *symphony.Program
}

// LoadPortfolio reads portfolio.yaml and the symphonies that it names from fsys, checks them whole and compiles them.
// The error lists every fault with its place, `file:line:column: …`, and is fault.Invalid.
func LoadPortfolio(fsys fs.FS) (*Portfolio, error) {
	text, err := fs.ReadFile(fsys, portfolioFile)
	if err != nil {
		return nil, fault.New(fault.Invalid, "read the portfolio: %w", err)
	}
	doc, err := decode(text)
	if err != nil {
		return nil, err
	}
	l := loader{fsys: fsys}
	p := l.portfolio(doc)
	if err := errors.Join(l.faults...); err != nil {
		return nil, err
	}
	return p, nil
}

// Runs says whether the portfolio answers to id: its own, or its own with a suffix after "-", which names a run beside
// the daily one, such as a load test's.
func (p *Portfolio) Runs(id string) bool { return id == p.ID || strings.HasPrefix(id, p.ID+"-") }

// Symbols returns every symbol that a strategy holds or looks at, in alphabetical order.
func (p *Portfolio) Symbols() []string {
	var all []string
	for _, s := range p.Strategies {
		all = append(all, s.Program.Symbols()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Signals says what every strategy wants to hold when it trades on trading, the session after asOf, which is the last bar
// that it sees. A strategy that does not trade that day wants to keep what it has: see symphony.Program.Hold. Signals
// returns the merged weights, which sum to exactly 1, and each strategy's part of them; a fault.Invalid error if trading
// is not after asOf, as the strategies would have seen a bar that is not complete yet; and CheckBars' error.
func (p *Portfolio) Signals(h *symphony.History, asOf, trading market.Date) (map[string]decimal.Decimal, []events.StrategySignal, error) {
	if err := p.CheckBars(h); err != nil {
		return nil, nil, err
	}
	signals := make([]events.StrategySignal, len(p.Strategies))
	shares := make([]symphony.Share, len(p.Strategies))
	for i, s := range p.Strategies {
		result, err := s.Program.Hold(h, asOf, trading)
		if err != nil {
			return nil, nil, fmt.Errorf("evaluate strategy %s as of %s: %w", s.Name, asOf, err)
		}
		signals[i] = events.StrategySignal{
			Strategy: s.Name, Digest: s.Program.Digest(), Allocation: s.Allocation, Weights: result.Weights,
			Options: s.Program.Options(), HistoryDays: result.HistoryDays, Resting: result.Resting,
			Reasons: bounded(result.Reasons, maxReasons/len(p.Strategies)),
		}
		shares[i] = symphony.Share{Allocation: s.Allocation, Weights: result.Weights}
	}
	return symphony.Merge(shares), signals, nil
}

// document is portfolio.yaml.
type document struct {
	ID         scalar  `yaml:"id"`
	Options    options `yaml:"options"`
	Strategies []entry `yaml:"strategies"`
}

// options choose definitions where sources differ; what is left out is the default.
type options struct {
	RSI         scalar `yaml:"rsi"`
	StdevReturn scalar `yaml:"stdev-return"`
}

type entry struct {
	File   scalar `yaml:"file"`
	Weight scalar `yaml:"weight"`
}

func decode(text []byte) (document, error) {
	var doc document
	d := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict())
	if err := d.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return document{}, placed(err)
	}
	if err := d.Decode(&document{}); !errors.Is(err, io.EOF) {
		return document{}, fault.New(fault.Invalid, "%s: a second document, want one portfolio a file", portfolioFile)
	}
	return doc, nil
}

// scalar is a value as it is written, and where.
type scalar struct {
	text         string
	line, column int
}

// UnmarshalYAML implements yaml.NodeUnmarshaler.
func (s *scalar) UnmarshalYAML(node ast.Node) error {
	token := node.GetToken()
	if _, ok := node.(ast.ScalarNode); !ok {
		return fmt.Errorf("[%d:%d] want one value", token.Position.Line, token.Position.Column)
	}
	*s = scalar{text: token.Value, line: token.Position.Line, column: token.Position.Column}
	return nil
}

// loader makes a portfolio of a document and collects what is wrong with it.
type loader struct {
	fsys    fs.FS
	options indicator.Options
	faults  []error
}

func (l *loader) fail(at scalar, format string, args ...any) {
	place := portfolioFile
	if at.line > 0 {
		place = fmt.Sprintf("%s:%d:%d", portfolioFile, at.line, at.column)
	}
	l.faults = append(l.faults, fault.New(fault.Invalid, "%s: %w", place, fmt.Errorf(format, args...)))
}

func (l *loader) portfolio(doc document) *Portfolio {
	if !portfolioID.MatchString(doc.ID.text) {
		l.fail(doc.ID, "id %q, want 1 to 32 of a-z, 0-9, _ and -", doc.ID.text)
	}
	l.definitions(doc.Options)
	if len(doc.Strategies) == 0 {
		l.fail(scalar{}, "no strategies, want at least one with file and weight")
		return nil
	}
	p := &Portfolio{ID: doc.ID.text}
	sum := decimal.Zero
	seen := map[string]bool{}
	for i, e := range doc.Strategies {
		if e.File.text == "" {
			l.fail(e.Weight, "strategy %d of the list has no file", i+1)
			continue
		}
		s := l.strategy(e)
		if seen[s.Name] {
			l.fail(e.File, "strategy %q a second time, want each once", s.Name)
		}
		seen[s.Name] = true
		sum = sum.Add(s.Allocation)
		p.Strategies = append(p.Strategies, s)
	}
	if len(l.faults) == 0 && !sum.Equal(decimal.NewFromInt(1)) {
		l.fail(doc.Strategies[0].Weight, "weights sum to %s, want exactly 1", sum)
	}
	return p
}

// definitions reads the options.
func (l *loader) definitions(o options) {
	for _, option := range []struct {
		value scalar
		set   indicator.Options
	}{
		{o.RSI, indicator.Options{RSI: indicator.RSI(o.RSI.text)}},
		{o.StdevReturn, indicator.Options{StdevReturn: indicator.StdevReturn(o.StdevReturn.text)}},
	} {
		if err := option.set.Check(); err != nil {
			l.fail(option.value, "options: %w", err)
			return
		}
	}
	l.options = indicator.Options{RSI: indicator.RSI(o.RSI.text), StdevReturn: indicator.StdevReturn(o.StdevReturn.text)}
}

func (l *loader) strategy(e entry) Strategy {
	s := Strategy{Name: strings.TrimSuffix(path.Base(e.File.text), path.Ext(e.File.text))}
	var err error
	if s.Allocation, err = decimal.NewFromString(e.Weight.text); err != nil || !allocationForm.MatchString(e.Weight.text) || s.Allocation.IsZero() {
		l.fail(e.Weight, "weight %q, want a decimal above 0 and up to 1 with at most 6 places, such as 0.25", e.Weight.text)
	}
	text, err := fs.ReadFile(l.fsys, e.File.text)
	if err != nil {
		l.fail(e.File, "read the strategy: %w", err)
		return s
	}
	if s.Program, err = symphony.ParseWith(l.options, e.File.text, string(text)); err != nil {
		l.faults = append(l.faults, err)
	}
	return s
}

// placed puts file and place before a reader's error.
func placed(err error) error {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		return fault.New(fault.Invalid, "%s: %w", portfolioFile, err)
	}
	pos := at.GetToken().Position
	return fault.New(fault.Invalid, "%s:%d:%d: %s", portfolioFile, pos.Line, pos.Column, at.GetMessage())
}
