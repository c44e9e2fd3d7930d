package symphony

import (
	"slices"
	"sort"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// calendar is dates in order, each once.
type calendar []market.Date

// upTo returns how many of the dates are at most date.
func (c calendar) upTo(date market.Date) int {
	return sort.Search(len(c), func(i int) bool { return c[i] > date })
}

// run returns where dates, which are in order, begin in c; ok says that they are all there, one after the other.
func (c calendar) run(dates []market.Date) (first int, ok bool) {
	if len(dates) == 0 {
		return 0, true
	}
	first = c.upTo(dates[0]) - 1
	return first, first >= 0 && first+len(dates) <= len(c) && slices.Equal(c[first:first+len(dates)], dates)
}

// union returns the dates of c and dates, which are in order.
func (c calendar) union(dates []market.Date) calendar {
	if _, ok := c.run(dates); ok {
		return c
	}
	all := make(calendar, 0, len(c)+len(dates))
	for len(c) > 0 && len(dates) > 0 {
		next := min(c[0], dates[0])
		all = append(all, next)
		if c[0] == next {
			c = c[1:]
		}
		if dates[0] == next {
			dates = dates[1:]
		}
	}
	return append(append(all, c...), dates...)
}
