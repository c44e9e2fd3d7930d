package symphony

import (
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/indicator"
)

// Program is a compiled symphony. It is never changed after Parse and safe for concurrent use.
type Program struct {
	file      string
	name      string
	digest    string
	frequency Frequency
	threshold decimal.Decimal
	root      child
	metrics   []compiledMetric
	symbols   []string
	needs     map[string]int
	warnings  []string
	options   indicator.Options
}

// compiledMetric is a metric with its definition.
type compiledMetric struct {
	metric
	def *indicator.Definition
}

// Name returns the name that the program gives itself.
func (p *Program) Name() string { return p.name }

// Digest returns the SHA-256 of the program's text in hex.
func (p *Program) Digest() string { return p.digest }

// Frequency returns how often the program trades.
func (p *Program) Frequency() Frequency { return p.frequency }

// Threshold returns the distance from its target, as a fraction of the portfolio, at which a holding makes a program
// with FrequencyNone trade; 0 if it has none.
func (p *Program) Threshold() decimal.Decimal { return p.threshold }

// Symbols returns every symbol that the program holds or looks at, in alphabetical order.
func (p *Program) Symbols() []string { return slices.Clone(p.symbols) }

// BarsNeeded returns for each of Symbols the number of daily bars without which some branch cannot be evaluated, at
// least 1.
func (p *Program) BarsNeeded() map[string]int { return maps.Clone(p.needs) }

// Options returns the definitions in force where sources differ about an indicator.
func (p *Program) Options() map[string]string { return p.options.Map() }

// Warnings returns what is allowed but probably a mistake, as `file:line:column: …`.
func (p *Program) Warnings() []string { return slices.Clone(p.warnings) }
