package symphony

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/indicator"
)

// maxFaults is how many faults of one program an error lists.
const maxFaults = 20

// operator compiles the list that begins with its name. If the list is wrong it reports why and returns nil.
type operator func(c *compiler, f *form) node

// operators is the language: everything that evaluates to a weighted portfolio.
func operators() map[string]operator {
	return map[string]operator{
		"asset":                     compileAsset,
		"filter":                    compileFilter,
		"group":                     compileGroup,
		"if":                        compileIf,
		"weight-equal":              compileWeightEqual,
		"weight-inverse-volatility": compileInverseVolatility,
		"weight-specified":          compileWeightSpecified,
	}
}

// Parse reads, checks and compiles the program src with the default definitions of all indicators: see ParseWith.
func Parse(file, src string) (*Program, error) { return ParseWith(indicator.Options{}, file, src) }

// ParseWith reads, checks and compiles the program src; o says which definitions its indicators have where sources
// differ. file is how errors call it. The error is one or several *SyntaxError joined, each with code fault.Invalid: the
// first that keeps the text from being read, or everything that the check found, up to twenty.
func ParseWith(o indicator.Options, file, src string) (*Program, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	f, err := read(file, src)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(src))
	c := &compiler{
		program:    &Program{file: file, digest: hex.EncodeToString(sum[:]), options: o},
		operators:  operators(),
		indicators: map[string]*indicator.Definition{},
		metricIDs:  map[metric]int{},
		symbols:    map[string]string{},
		account:    newAccount(),
	}
	for _, d := range o.All() {
		c.indicators[d.Name] = &d
	}
	c.defsymphony(f)
	if len(c.faults) > 0 {
		return nil, errors.Join(c.faults...)
	}
	c.program.needs = c.account.bars
	c.program.symbols = slices.Sorted(maps.Keys(c.account.bars))
	return c.program, nil
}

// compiler turns forms into nodes and collects what is wrong with them.
type compiler struct {
	program    *Program
	operators  map[string]operator
	indicators map[string]*indicator.Definition
	metricIDs  map[metric]int
	symbols    map[string]string // in the broker's spelling, by how they are written
	account    account
	faults     []error
}

// fail reports that found stands at pos where want should.
func (c *compiler) fail(pos Pos, found, want string) {
	switch {
	case len(c.faults) < maxFaults:
		c.faults = append(c.faults, &SyntaxError{File: c.program.file, Pos: pos, Found: found, Want: want})
	case len(c.faults) == maxFaults:
		c.faults = append(c.faults, fault.New(fault.Invalid, "%s: and more: the check stopped after %d faults", c.program.file, maxFaults))
	}
}

// warn notes what is allowed but probably a mistake.
func (c *compiler) warn(pos Pos, text string) {
	c.program.warnings = append(c.program.warnings, fmt.Sprintf("%s:%d:%d: %s", c.program.file, pos.Line, pos.Column, text))
}

// child is a node, where it stands, and what the path to it calls it.
type child struct {
	label string
	name  string // of an asset or group
	pos   Pos
	node  node
}

// called is what people call c.
func (c *child) called() string {
	if c.name != "" {
		return c.name
	}
	return c.label
}

// child compiles f, any form that evaluates to a portfolio.
func (c *compiler) child(f *form) child {
	head := f.head()
	compile, ok := c.operators[head]
	if !ok {
		c.fail(f.pos, f.String(), "one of "+c.operatorNames())
		return child{}
	}
	out := child{label: head, pos: f.pos, node: compile(c, f)}
	if a, ok := out.node.(asset); ok {
		out.name = a.symbol
	}
	if head == "group" && len(f.items) > 1 {
		out.name = f.items[1].text
		out.label = "group(" + out.name + ")"
	}
	return out
}

// children compiles the items of the vector f. Where there are several, their labels are numbered from 1.
func (c *compiler) children(f *form) []child {
	if f.kind != kindVector {
		c.fail(f.pos, f.String(), "a vector [node…]")
		return nil
	}
	if len(f.items) == 0 {
		c.warn(f.pos, "nothing to hold in an empty vector")
	}
	out := make([]child, len(f.items))
	for i, item := range f.items {
		out[i] = c.child(item)
		if len(f.items) > 1 {
			out[i].label = numbered(out[i].label, i+1)
		}
	}
	return out
}

// numbered is the label of the i-th of several children.
func numbered(label string, i int) string { return label + "[" + strconv.Itoa(i) + "]" }

func (c *compiler) operatorNames() string {
	names := slices.Sorted(maps.Keys(c.operators))
	for i, name := range names {
		names[i] = "(" + name + " …)"
	}
	return strings.Join(names, ", ")
}

// args checks that f has n arguments and reports usage if not.
func (c *compiler) args(f *form, n int, usage string) bool {
	if len(f.items)-1 == n {
		return true
	}
	c.fail(f.pos, fmt.Sprintf("%s with %s", f, count(len(f.items)-1, "argument")), usage)
	return false
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// symbol reads the string f as a symbol in the broker's spelling and notes that bars of it are needed.
func (c *compiler) symbol(f *form, bars int) (string, bool) {
	symbol, known := c.symbols[f.text]
	if !known || f.kind != kindString {
		var err error
		if symbol, err = ParseSymbol(f.text); err != nil || f.kind != kindString {
			c.fail(f.pos, f.String(), `a symbol in quotes and upper case such as "SPY" or "BRK.B"`)
			return "", false
		}
		c.symbols[f.text] = symbol
	}
	c.need(symbol, bars)
	return symbol, true
}

// account is what a part of a program has to do with symbols.
type account struct {
	bars  map[string]int  // how many bars of each it needs
	holds map[string]bool // which it may hold
}

func newAccount() account { return account{bars: map[string]int{}, holds: map[string]bool{}} }

// need notes that so many bars of symbol are needed.
func (c *compiler) need(symbol string, bars int) {
	c.account.bars[symbol] = max(c.account.bars[symbol], bars)
}

// part runs compile, adds what it needs, plus so many bars of each symbol, to the account, and returns its own.
func (c *compiler) part(more int, compile func()) account {
	outer := c.account
	c.account = newAccount()
	compile()
	inner := c.account
	c.account = outer
	for symbol, bars := range inner.bars {
		c.need(symbol, bars+more)
	}
	maps.Copy(outer.holds, inner.holds)
	return inner
}

// metric is an indicator of a symbol.
type metric struct {
	name   string
	symbol string
	window int
}

// metric reads f, (indicator "SYM" {:window W}), and returns its number in the program. The same indicator of the same
// symbol with the same window has one number, and is computed once an evaluation.
func (c *compiler) metric(f *form) (int, bool) {
	def, ok := c.indicators[f.head()]
	if !ok {
		c.fail(f.pos, f.String(), "a number or one of "+indicatorNames())
		return 0, false
	}
	window := 0
	usage := fmt.Sprintf(`(%s "SYM")`, def.Name)
	arguments := 1
	if def.Windowed {
		usage = fmt.Sprintf(`(%s "SYM" {:window W})`, def.Name)
		arguments = 2
	}
	if !c.args(f, arguments, usage) {
		return 0, false
	}
	if def.Windowed {
		if window, ok = c.window(f.items[2], def, usage); !ok {
			return 0, false
		}
	}
	symbol, ok := c.symbol(f.items[1], def.BarsNeeded(window))
	if !ok {
		return 0, false
	}
	return c.metricOf(def, symbol, window), true
}

// metricOf returns the number of a metric in the program, and notes the bars that it needs.
func (c *compiler) metricOf(def *indicator.Definition, symbol string, window int) int {
	c.need(symbol, def.BarsNeeded(window))
	m := metric{name: def.Name, symbol: symbol, window: window}
	id, ok := c.metricIDs[m]
	if !ok {
		id = len(c.program.metrics)
		c.metricIDs[m] = id
		c.program.metrics = append(c.program.metrics, compiledMetric{metric: m, def: def})
	}
	return id
}

// window reads the parameters {:window W} of an indicator.
func (c *compiler) window(f *form, def *indicator.Definition, usage string) (int, bool) {
	if f.kind != kindMap {
		c.fail(f.pos, f.String(), "{:window W} as in "+usage)
		return 0, false
	}
	for i := 0; i < len(f.items); i += 2 {
		if key := f.items[i]; key.text != "window" {
			c.fail(key.pos, key.String(), "only :window")
			return 0, false
		}
	}
	value, ok := f.lookup("window")
	if !ok {
		c.fail(f.pos, "no :window", usage)
		return 0, false
	}
	return c.days(value, def)
}

// days reads f as a window that def can have.
func (c *compiler) days(f *form, def *indicator.Definition) (int, bool) {
	if n, ok := f.whole(); ok && def.CheckWindow(n) == nil {
		return n, true
	}
	c.fail(f.pos, f.String(), fmt.Sprintf("a whole number of days from %d to %d for %s", def.MinWindow, indicator.MaxWindow, def.Name))
	return 0, false
}

func indicatorNames() string {
	var names []string
	for _, d := range indicator.All() {
		names = append(names, "("+d.Name+" …)")
	}
	return strings.Join(names, ", ")
}
