package symphony

import (
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// Frequency is how often a symphony trades.
type Frequency string

// The frequencies. A period trades on its first trading day; FrequencyNone trades when a holding leaves its band.
const (
	FrequencyDaily     Frequency = "daily"
	FrequencyWeekly    Frequency = "weekly"
	FrequencyMonthly   Frequency = "monthly"
	FrequencyQuarterly Frequency = "quarterly"
	FrequencyYearly    Frequency = "yearly"
	FrequencyNone      Frequency = "none"
)

const defsymphonyUsage = `(defsymphony "Name" {:asset-class "EQUITIES"} weight)`

// defsymphony compiles the top of a program.
func (c *compiler) defsymphony(f *form) {
	if f.head() != "defsymphony" {
		c.fail(f.pos, f.String(), defsymphonyUsage)
		return
	}
	if !c.args(f, 3, defsymphonyUsage) {
		return
	}
	if name := f.items[1]; name.kind == kindString {
		c.program.name = name.text
	} else {
		c.fail(name.pos, name.String(), "the name as a string")
	}
	c.options(f.items[2])
	c.program.root = c.child(f.items[3])
}

// options reads {:asset-class … :rebalance-frequency … :rebalance-threshold …}. Without a frequency a symphony trades
// daily, or by its threshold if it has one.
func (c *compiler) options(f *form) {
	if f.kind != kindMap {
		c.fail(f.pos, f.String(), `options {:asset-class "EQUITIES"}`)
		return
	}
	known := []string{"asset-class", "rebalance-frequency", "rebalance-threshold"}
	for i := 0; i < len(f.items); i += 2 {
		if key := f.items[i]; !slices.Contains(known, key.text) {
			c.fail(key.pos, key.String(), "one of :"+strings.Join(known, ", :"))
		}
	}
	if class, ok := f.lookup("asset-class"); !ok {
		c.fail(f.pos, "no :asset-class", `:asset-class "EQUITIES"`)
	} else if class.kind != kindString || class.text != "EQUITIES" {
		c.fail(class.pos, class.String(), `"EQUITIES", the only class that is supported`)
	}
	threshold, banded := f.lookup("rebalance-threshold")
	c.program.frequency = FrequencyDaily
	if banded {
		c.program.frequency = FrequencyNone
		c.threshold(threshold)
	}
	if value, ok := f.lookup("rebalance-frequency"); ok {
		c.frequency(value)
	}
	if banded && c.program.frequency != FrequencyNone {
		c.warn(threshold.pos, "the threshold is ignored: it belongs to :rebalance-frequency :none, not to :"+string(c.program.frequency))
		c.program.threshold = decimal.Zero
	}
}

func (c *compiler) frequency(f *form) {
	all := []Frequency{FrequencyDaily, FrequencyWeekly, FrequencyMonthly, FrequencyQuarterly, FrequencyYearly, FrequencyNone}
	if f.kind != kindKeyword || !slices.Contains(all, Frequency(f.text)) {
		c.fail(f.pos, f.String(), ":daily, :weekly, :monthly, :quarterly, :yearly or :none")
		return
	}
	c.program.frequency = Frequency(f.text)
}

func (c *compiler) threshold(f *form) {
	if f.kind != kindNumber || !f.number.IsPositive() || f.number.GreaterThanOrEqual(decimal.NewFromInt(1)) {
		c.fail(f.pos, f.String(), "a fraction between 0 and 1; 0.05 is 5 percentage points")
		return
	}
	c.program.threshold = f.number
}
