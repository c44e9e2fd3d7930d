package symphony

import (
	"fmt"

	"github.com/shopspring/decimal"
)

// kind is what a form is.
type kind uint8

const (
	kindList kind = iota + 1
	kindVector
	kindMap
	kindString
	kindNumber
	kindKeyword
	kindSymbol
	kindNil
)

// String names the kinds that have items.
func (k kind) String() string {
	switch k {
	case kindList:
		return "list"
	case kindVector:
		return "vector"
	case kindMap:
		return "map"
	case kindString, kindNumber, kindKeyword, kindSymbol, kindNil:
	}
	return "form"
}

// form is one piece of data and the place where it begins.
type form struct {
	kind kind
	pos  Pos
	// text is the content of a string, the name of a symbol, and the name of a keyword without its colon.
	text   string
	number decimal.Decimal
	// items are the parts of a list or vector; of a map, keys and values in turn.
	items []*form
}

// whole returns f as a whole number that an int holds.
func (f *form) whole() (int, bool) {
	if f.kind != kindNumber || !f.number.IsInteger() || !f.number.BigInt().IsInt64() {
		return 0, false
	}
	n := int(f.number.IntPart())
	return n, int64(n) == f.number.IntPart()
}

// String describes f for an error.
func (f *form) String() string {
	switch f.kind {
	case kindString:
		return fmt.Sprintf("string %q", f.text)
	case kindNumber:
		return "number " + f.number.String()
	case kindKeyword:
		return "keyword :" + f.text
	case kindSymbol:
		return "word " + f.text
	case kindList:
		if head := f.head(); head != "" {
			return "(" + head + " …)"
		}
		return "a list without a name"
	case kindVector:
		if len(f.items) == 0 {
			return "an empty vector"
		}
		return "a vector with " + count(len(f.items), "item")
	case kindMap:
		return "a map"
	case kindNil:
		return "nil"
	default:
		return f.kind.String()
	}
}

// head is the name that a list begins with, or "".
func (f *form) head() string {
	if f.kind != kindList || len(f.items) == 0 || f.items[0].kind != kindSymbol {
		return ""
	}
	return f.items[0].text
}

// lookup returns the value of a map's keyword.
func (f *form) lookup(keyword string) (*form, bool) {
	for i := 0; i < len(f.items); i += 2 {
		if f.items[i].text == keyword {
			return f.items[i+1], true
		}
	}
	return nil, false
}
