package attr

import (
	"regexp"
	"strings"

	"github.com/shopspring/decimal"
)

// Limits of numbers: 38 digits, magnitude from 1E-130 to 9.99…E+125.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
const (
	maxDigits    = 38
	maxMagnitude = 126
	minMagnitude = -129
	// maxNumberText bounds what is parsed at all.
	maxNumberText = 512
)

var numberText = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,6})?$`)

// ParseNumber reads a number exactly, or says with DynamoDB's words why it is none.
func ParseNumber(s string) (decimal.Decimal, error) {
	text := strings.TrimSpace(s)
	if text == "" {
		return decimal.Decimal{}, Invalidf("The parameter cannot be converted to a numeric value")
	}
	if len(text) > maxNumberText || !numberText.MatchString(text) {
		return decimal.Decimal{}, Invalidf("The parameter cannot be converted to a numeric value: %s", s)
	}
	n, err := decimal.NewFromString(strings.TrimSuffix(text, "."))
	if err != nil {
		return decimal.Decimal{}, Invalidf("The parameter cannot be converted to a numeric value: %s", s)
	}
	return CheckNumber(n)
}

// CheckNumber returns n in its shortest form if DynamoDB can hold it.
func CheckNumber(n decimal.Decimal) (decimal.Decimal, error) {
	const small = 100
	if exponent := n.Exponent(); n.Coefficient().IsInt64() && exponent > -small && exponent < small && !n.IsZero() {
		return n, nil // whatever its digits are
	}
	digits, magnitude := scientific(n)
	switch {
	case digits == "":
		return decimal.Zero, nil
	case magnitude > maxMagnitude:
		return n, Invalidf("Number overflow. Attempting to store a number with magnitude larger than supported range")
	case magnitude < minMagnitude:
		return n, Invalidf("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	case len(digits) > maxDigits:
		return n, Invalidf("Attempting to store more than 38 significant digits in a Number")
	}
	return n, nil
}

// scientific takes |n| apart: 0.DIGITS times ten to the power of magnitude, without zeros at either end of the digits.
// Zero has no digits.
func scientific(n decimal.Decimal) (digits string, magnitude int) {
	text := strings.TrimPrefix(n.Coefficient().String(), "-")
	digits = strings.TrimRight(text, "0")
	if digits == "" {
		return "", 0
	}
	return digits, len(text) + int(n.Exponent())
}

// FormatNumber spells n as DynamoDB returns it: plain, without an exponent and without needless zeros.
func FormatNumber(n decimal.Decimal) string { return n.String() }

// numberSize is one byte for two significant digits, plus one, plus one for the sign of a negative number.
func numberSize(n decimal.Decimal) int {
	digits, _ := scientific(n)
	size := (len(digits)+1)/2 + 1
	if n.IsNegative() {
		size++
	}
	return size
}
