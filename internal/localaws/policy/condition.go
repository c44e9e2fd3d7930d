package policy

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// condition is one key of one operator of a Condition element.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
type condition struct {
	key      string
	values   texts
	set      setOperator
	ifExists bool
	null     bool
	// test compares one value of the request with one of the policy.
	test comparison
	// negated holds if none of the policy's values passes the test.
	negated bool
}

type setOperator int

const (
	noSet setOperator = iota
	forAllValues
	forAnyValue
)

type comparison func(have, want string, context map[string][]string) bool

func newCondition(operator, key string, values texts) (condition, error) {
	c := condition{key: strings.ToLower(key), values: values}
	name := operator
	if rest, ok := strings.CutPrefix(name, "ForAllValues:"); ok {
		name, c.set = rest, forAllValues
	} else if rest, ok := strings.CutPrefix(name, "ForAnyValue:"); ok {
		name, c.set = rest, forAnyValue
	}
	if rest, ok := strings.CutSuffix(name, "IfExists"); ok {
		name, c.ifExists = rest, true
	}
	if name == "Null" {
		c.null = true
		return c, nil
	}
	if c.test, c.negated = operatorOf(name); c.test == nil {
		return c, fmt.Errorf("condition operator %q is not known", operator)
	}
	return c, nil
}

// operatorOf returns how the operator name compares and whether it says "none of"; nil if there is no such operator.
func operatorOf(name string) (test comparison, negated bool) {
	switch name {
	case "StringEquals":
		return equal, false
	case "StringNotEquals":
		return equal, true
	case "StringEqualsIgnoreCase":
		return equalFold, false
	case "StringNotEqualsIgnoreCase":
		return equalFold, true
	case "StringLike":
		return like, false
	case "StringNotLike":
		return like, true
	case "ArnEquals", "ArnLike":
		return likeARN, false
	case "ArnNotEquals", "ArnNotLike":
		return likeARN, true
	case "Bool":
		return equalFold, false
	case "BinaryEquals":
		return equalBinary, false
	case "IpAddress":
		return inNetwork, false
	case "NotIpAddress":
		return inNetwork, true
	}
	if order, ok := strings.CutPrefix(name, "Numeric"); ok {
		return ordered(order, compareNumbers)
	}
	if order, ok := strings.CutPrefix(name, "Date"); ok {
		return ordered(order, compareDates)
	}
	return nil, false
}

func (c condition) holds(context map[string][]string) bool {
	have, present := context[c.key]
	if c.null {
		for _, want := range c.values {
			if strings.EqualFold(want, "true") != present {
				return true
			}
		}
		return false
	}
	if !present || len(have) == 0 {
		return c.ifExists || c.set == forAllValues || c.negated && c.set != forAnyValue
	}
	switch c.set {
	case forAllValues:
		for _, h := range have {
			if !c.holdsFor(h, context) {
				return false
			}
		}
		return true
	case forAnyValue:
		for _, h := range have {
			if c.holdsFor(h, context) {
				return true
			}
		}
		return false
	case noSet:
	}
	// Without a set operator a key has one value; of several, a negated operator must hold for all.
	for _, h := range have {
		if c.holdsFor(h, context) != c.negated {
			return !c.negated
		}
	}
	return c.negated
}

func (c condition) holdsFor(have string, context map[string][]string) bool {
	for _, want := range c.values {
		if c.test(have, want, context) {
			return !c.negated
		}
	}
	return c.negated
}

func equal(have, want string, context map[string][]string) bool {
	ts, ok := tokens(want, context)
	return ok && literalText(ts) == have
}

func equalFold(have, want string, context map[string][]string) bool {
	ts, ok := tokens(want, context)
	return ok && strings.EqualFold(literalText(ts), have)
}

func literalText(ts []token) string {
	var b strings.Builder
	for _, t := range ts {
		b.WriteRune(t.char)
	}
	return b.String()
}

func like(have, want string, context map[string][]string) bool { return glob(want, have, context) }

func likeARN(have, want string, context map[string][]string) bool {
	return matchARN(want, have, context)
}

func equalBinary(have, want string, _ map[string][]string) bool {
	h, err1 := base64.StdEncoding.DecodeString(have)
	w, err2 := base64.StdEncoding.DecodeString(want)
	return err1 == nil && err2 == nil && string(h) == string(w)
}

func inNetwork(have, want string, _ map[string][]string) bool {
	address, err := netip.ParseAddr(have)
	if err != nil {
		return false
	}
	if network, err := netip.ParsePrefix(want); err == nil {
		return network.Contains(address)
	}
	one, err := netip.ParseAddr(want)
	return err == nil && one == address
}

// ordered returns the comparison that the end of an operator's name asks for.
func ordered(order string, compare func(have, want string) (sign int, ok bool)) (test comparison, negated bool) {
	is := func(accept func(sign int) bool) comparison {
		return func(have, want string, _ map[string][]string) bool {
			sign, ok := compare(have, want)
			return ok && accept(sign)
		}
	}
	switch order {
	case "Equals":
		return is(func(sign int) bool { return sign == 0 }), false
	case "NotEquals":
		return is(func(sign int) bool { return sign == 0 }), true
	case "LessThan":
		return is(func(sign int) bool { return sign < 0 }), false
	case "LessThanEquals":
		return is(func(sign int) bool { return sign <= 0 }), false
	case "GreaterThan":
		return is(func(sign int) bool { return sign > 0 }), false
	case "GreaterThanEquals":
		return is(func(sign int) bool { return sign >= 0 }), false
	}
	return nil, false
}

func compareNumbers(have, want string) (int, bool) {
	h, err1 := decimal.NewFromString(have)
	w, err2 := decimal.NewFromString(want)
	if err1 != nil || err2 != nil || tooFar(h) || tooFar(w) {
		return 0, false
	}
	return h.Cmp(w), true
}

// tooFar says whether comparing d would take memory out of proportion.
func tooFar(d decimal.Decimal) bool { return d.Exponent() > 400 || d.Exponent() < -400 }

func compareDates(have, want string) (int, bool) {
	h, ok1 := parseDate(have)
	w, ok2 := parseDate(want)
	return h.Compare(w), ok1 && ok2
}

// parseDate reads a W3C date or seconds since the epoch.
func parseDate(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", time.DateOnly, "2006-01", "2006"} {
		if t, err := time.Parse(layout, s); err == nil && (layout != "2006" || len(s) == 4) {
			return t, true
		}
	}
	seconds, err := decimal.NewFromString(s)
	if err != nil || tooFar(seconds) {
		return time.Time{}, false
	}
	return time.Unix(seconds.IntPart(), 0), true
}
