package symphony

import (
	"cmp"
	"math/big"
	"math/bits"
)

// fraction is an exact number of 0 or more, in lowest terms. Weights are nearly always small fractions, and those take
// no memory of their own; the few that are not are big.
type fraction struct {
	num, den int64
	big      *big.Rat // if the parts do not fit into 63 bits
}

// ratio returns num/den, which is in lowest terms.
func ratio(num, den int64) fraction { return fraction{num: num, den: den} }

// lowest returns num/den in lowest terms.
func lowest(num, den int64) fraction {
	shared := gcd(num, den)
	return ratio(num/shared, den/shared)
}

// exactly returns r, which is not negative and never changed afterwards.
func exactly(r *big.Rat) fraction {
	if r.Num().IsInt64() && r.Denom().IsInt64() {
		return ratio(r.Num().Int64(), r.Denom().Int64())
	}
	return fraction{big: r}
}

// rat returns x as a number that must not be changed.
func (x fraction) rat() *big.Rat {
	if x.big != nil {
		return x.big
	}
	return big.NewRat(x.num, x.den)
}

func (x fraction) positive() bool { return x.big != nil && x.big.Sign() > 0 || x.num > 0 }

// float returns the number nearest to x.
func (x fraction) float() float64 {
	const exact = 1 << 53
	if x.big == nil && x.num <= exact && x.den <= exact {
		return float64(x.num) / float64(x.den)
	}
	f, _ := x.rat().Float64()
	return f
}

func (x fraction) plus(y fraction) fraction {
	if x.big == nil && y.big == nil {
		common := gcd(x.den, y.den)
		a, fits1 := times(x.num, y.den/common)
		b, fits2 := times(y.num, x.den/common)
		if sum := a + b; fits1 && fits2 && sum >= 0 {
			shared := gcd(sum, common)
			if den, fits := times(x.den/shared, y.den/common); fits {
				return ratio(sum/shared, den)
			}
		}
	}
	return exactly(new(big.Rat).Add(x.rat(), y.rat()))
}

func (x fraction) mul(y fraction) fraction {
	if x.big == nil && y.big == nil {
		left, right := gcd(x.num, y.den), gcd(y.num, x.den)
		num, fits1 := times(x.num/left, y.num/right)
		den, fits2 := times(x.den/right, y.den/left)
		if fits1 && fits2 {
			return ratio(num, den)
		}
	}
	return exactly(new(big.Rat).Mul(x.rat(), y.rat()))
}

// per returns x divided by y, which is above 0.
func (x fraction) per(y fraction) fraction {
	if y.big == nil {
		return x.mul(ratio(y.den, y.num))
	}
	return exactly(new(big.Rat).Quo(x.rat(), y.big))
}

// split returns the whole part of x times unit, and the rest.
func (x fraction) split(unit int64) (whole int64, rest fraction) {
	if x.big == nil {
		high, low := bits.Mul64(uint64(x.num), uint64(unit))
		if high < uint64(x.den) { // else the quotient does not fit
			quotient, left := bits.Div64(high, low, uint64(x.den))
			return int64(quotient), lowest(int64(left), x.den)
		}
	}
	exact := new(big.Rat).Mul(x.rat(), big.NewRat(unit, 1))
	floor := new(big.Int).Quo(exact.Num(), exact.Denom())
	return floor.Int64(), exactly(exact.Sub(exact, new(big.Rat).SetInt(floor)))
}

// cmp is -1, 0 or 1 as x is below, equal to or above y.
func (x fraction) cmp(y fraction) int {
	if x.big == nil && y.big == nil {
		high1, low1 := bits.Mul64(uint64(x.num), uint64(y.den))
		high2, low2 := bits.Mul64(uint64(y.num), uint64(x.den))
		return cmp.Or(cmp.Compare(high1, high2), cmp.Compare(low1, low2))
	}
	return x.rat().Cmp(y.rat())
}

// times multiplies numbers that are not negative.
func times(a, b int64) (product int64, fits bool) {
	high, low := bits.Mul64(uint64(a), uint64(b))
	return int64(low), high == 0 && low>>63 == 0
}

// gcd returns the greatest common divisor of numbers that are not negative, not both 0.
func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
