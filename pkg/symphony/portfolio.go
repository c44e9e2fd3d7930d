package symphony

import (
	"cmp"
	"slices"

	"github.com/shopspring/decimal"
)

// portfolio is the one kind of value: symbols with weights above 0 that sum to exactly 1, sorted by symbol; or nothing
// at all. It is never changed once it is made, so that nodes may share it.
type portfolio []holding

type holding struct {
	symbol string
	weight fraction
}

// part is a portfolio and its weight beside others.
type part struct {
	portfolio portfolio
	weight    fraction
}

func single(symbol string) portfolio { return portfolio{{symbol, ratio(1, 1)}} }

// mix puts parts together in proportion to their weights. Empty parts and parts with weight 0 do not count; if nothing
// is left the mix is empty. It may reorder parts.
func mix(parts []part) portfolio {
	live := parts[:0]
	total, holdings := ratio(0, 1), 0
	for _, p := range parts {
		if len(p.portfolio) > 0 && p.weight.positive() {
			live = append(live, p)
			total = total.plus(p.weight)
			holdings += len(p.portfolio)
		}
	}
	if len(live) == 0 {
		return nil
	}
	if len(live) == 1 {
		return live[0].portfolio
	}
	all := make(portfolio, 0, holdings)
	for _, p := range live {
		share := p.weight.per(total)
		for _, h := range p.portfolio {
			all = append(all, holding{h.symbol, h.weight.mul(share)})
		}
	}
	slices.SortFunc(all, func(a, b holding) int { return cmp.Compare(a.symbol, b.symbol) })
	out := all[:0]
	for _, h := range all {
		if n := len(out); n > 0 && out[n-1].symbol == h.symbol {
			out[n-1].weight = out[n-1].weight.plus(h.weight)
			continue
		}
		out = append(out, h)
	}
	return out
}

// places is the number of decimals of final weights, one is 1 in units of the last.
const (
	places = 6
	one    = 1_000_000
)

// weights rounds p to places decimals by largest remainder: every weight is rounded down, and the units that are missing
// from exactly 1 go to the largest remainders, to the first symbol alphabetically among equals. Weights that round to
// 0 are left out.
func (p portfolio) weights() map[string]decimal.Decimal {
	type rounded struct {
		symbol    string
		units     int64
		remainder fraction
	}
	missing := int64(one)
	lines := make([]rounded, len(p))
	for i, h := range p {
		units, remainder := h.weight.split(one)
		lines[i] = rounded{h.symbol, units, remainder}
		missing -= units
	}
	slices.SortStableFunc(lines, func(a, b rounded) int { return b.remainder.cmp(a.remainder) })
	out := make(map[string]decimal.Decimal, len(lines))
	for i, l := range lines {
		if int64(i) < missing {
			l.units++
		}
		if l.units > 0 {
			out[l.symbol] = decimal.New(l.units, -places)
		}
	}
	return out
}

// Share is one program's weights and the share of the whole that it gets.
type Share struct {
	Allocation decimal.Decimal
	Weights    map[string]decimal.Decimal
}

// Merge adds up the weights of shares in proportion to their allocations and rounds once, to 6 places by largest
// remainder. The result sums to exactly 1 if the weights of each share do; it is empty if there are none.
func Merge(shares []Share) map[string]decimal.Decimal {
	parts := make([]part, len(shares))
	for i, s := range shares {
		p := make(portfolio, 0, len(s.Weights))
		for symbol, w := range s.Weights {
			if w.IsPositive() {
				p = append(p, holding{symbol, exactly(w.Rat())})
			}
		}
		parts[i] = part{portfolio: p, weight: exactly(s.Allocation.Rat())}
	}
	merged := mix(parts)
	slices.SortFunc(merged, func(a, b holding) int { return cmp.Compare(a.symbol, b.symbol) })
	if len(merged) == 0 {
		return map[string]decimal.Decimal{}
	}
	return merged.weights()
}
