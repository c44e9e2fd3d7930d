package events

import (
	"bytes"
	"strconv"

	"github.com/shopspring/decimal"
)

// appendDecimal appends what d.String() returns, without the garbage: a plan of twenty trades has a hundred decimals.
func appendDecimal(b []byte, d decimal.Decimal) []byte {
	places := -int(d.Exponent())
	if places < 0 || d.NumDigits() > 18 { // rare, and beyond an int64
		return append(b, d.String()...)
	}
	digits := d.CoefficientInt64()
	if digits < 0 {
		b, digits = append(b, '-'), -digits
	}
	start := len(b)
	b = strconv.AppendInt(b, digits, 10)
	if places == 0 {
		return b
	}
	if short := places + 1 - (len(b) - start); short > 0 { // 5 with two places is 0.05
		b = append(b, bytes.Repeat([]byte{'0'}, short)...)
		copy(b[start+short:], b[start:])
		for i := range short {
			b[start+i] = '0'
		}
	}
	point := len(b) - places
	b = append(b, 0)
	copy(b[point+1:], b[point:])
	b[point] = '.'
	return bytes.TrimSuffix(bytes.TrimRight(b, "0"), []byte{'.'})
}
