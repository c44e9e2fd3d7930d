package pattern

import (
	"math"
	"strconv"
	"strings"
)

// number is a JSON number: its spelling and, if a double holds exactly its value, that double. AWS compares by value
// only where the double is exact; any other number equals its own spelling alone.
type number struct {
	text  string
	value float64
	exact bool
}

func parseNumber(text string) number {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) {
		return number{text: text}
	}
	if len(text) <= 15 && !strings.ContainsAny(text, "eE") {
		return number{text: text, value: f, exact: true} // 15 digits always fit
	}
	return number{text: text, value: f, exact: decimal(text) == decimal(strconv.FormatFloat(f, 'e', -1, 64))}
}

type scientific struct {
	negative bool
	digits   string // without zeros at either end
	exponent int
}

// decimal returns the value of a JSON number in one form, so that equal values are equal.
func decimal(text string) scientific {
	var d scientific
	d.negative = strings.HasPrefix(text, "-")
	text = strings.TrimPrefix(text, "-")
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		d.exponent, _ = strconv.Atoi(strings.TrimPrefix(text[i+1:], "+")) // saturates; ParseFloat has judged the range
		text = text[:i]
	}
	whole, fraction, _ := strings.Cut(text, ".")
	d.exponent -= len(fraction)
	d.digits = strings.TrimLeft(whole+fraction, "0")
	if d.digits == "" {
		return scientific{}
	}
	short := strings.TrimRight(d.digits, "0")
	d.exponent += len(d.digits) - len(short)
	d.digits = short
	return d
}
