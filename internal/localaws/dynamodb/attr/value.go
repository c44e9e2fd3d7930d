// Package attr is DynamoDB's data model: attribute values, exact numbers, sizes, and keys as bytes that sort as
// DynamoDB sorts them.
package attr

import (
	"bytes"
	"maps"
	"slices"

	"github.com/shopspring/decimal"
)

// Type is the type of a value, spelt as on the wire.
type Type string

// The types of DynamoDB.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
const (
	String    Type = "S"
	Number    Type = "N"
	Binary    Type = "B"
	Bool      Type = "BOOL"
	Null      Type = "NULL"
	List      Type = "L"
	Map       Type = "M"
	StringSet Type = "SS"
	NumberSet Type = "NS"
	BinarySet Type = "BS"
)

// Value is an attribute value. Which fields count depends on Type. Values are never changed once made: whoever
// changes a list or a map makes a new one.
type Value struct {
	Type Type
	Str  string
	Num  decimal.Decimal
	Bin  []byte
	Bool bool
	// List has the elements of a list or of a set.
	List []Value
	Map  Item
}

// Item is attributes by name.
type Item map[string]Value

// Equal reports whether two values are of the same type and the same value. Sets have no order.
func (v Value) Equal(w Value) bool {
	if v.Type != w.Type {
		return false
	}
	switch v.Type {
	case String:
		return v.Str == w.Str
	case Number:
		return v.Num.Equal(w.Num)
	case Binary:
		return bytes.Equal(v.Bin, w.Bin)
	case Bool:
		return v.Bool == w.Bool
	case Null:
		return true
	case List:
		return slices.EqualFunc(v.List, w.List, Value.Equal)
	case Map:
		return maps.EqualFunc(v.Map, w.Map, Value.Equal)
	case StringSet, NumberSet, BinarySet:
		return maps.Equal(v.members(), w.members())
	}
	return false
}

// Compare orders two strings, numbers or binaries; ok is false for values that have no order.
func (v Value) Compare(w Value) (order int, ok bool) {
	if v.Type != w.Type {
		return 0, false
	}
	switch v.Type { //nolint:exhaustive // only these have an order
	case String:
		return bytes.Compare([]byte(v.Str), []byte(w.Str)), true
	case Number:
		return v.Num.Cmp(w.Num), true
	case Binary:
		return bytes.Compare(v.Bin, w.Bin), true
	}
	return 0, false
}

// IsSet reports whether the value is a set.
func (v Value) IsSet() bool { return v.Type == StringSet || v.Type == NumberSet || v.Type == BinarySet }

// HasElement reports whether a set or list holds e.
func (v Value) HasElement(e Value) bool { return slices.ContainsFunc(v.List, e.Equal) }

// members are the elements of a set, by their bytes.
func (v Value) members() map[string]bool {
	out := make(map[string]bool, len(v.List))
	for _, e := range v.List {
		out[string(AppendKey(nil, e))] = true
	}
	return out
}

// Len is the number of elements of a list, map or set.
func (v Value) Len() int {
	if v.Type == Map {
		return len(v.Map)
	}
	return len(v.List)
}

// Union returns the set v with the elements of the set w of the same type.
func (v Value) Union(w Value) Value {
	out := v.without(w)
	out.List = append(out.List, w.List...)
	return out
}

// Subtract returns the set v without the elements of w; ok is false if nothing is left: DynamoDB has no empty sets.
func (v Value) Subtract(w Value) (rest Value, ok bool) {
	rest = v.without(w)
	return rest, rest.Len() > 0
}

func (v Value) without(w Value) Value {
	gone := w.members()
	return Value{Type: v.Type, List: slices.DeleteFunc(slices.Clone(v.List), func(e Value) bool {
		return gone[string(AppendKey(nil, e))]
	})}
}

// Size is the size of the item as DynamoDB counts it.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func (it Item) Size() int {
	n := 0
	for name, v := range it {
		n += len(name) + v.Size()
	}
	return n
}

// Size is the size of the value as DynamoDB counts it.
func (v Value) Size() int {
	const perContainer, perElement = 3, 1
	switch v.Type {
	case String:
		return len(v.Str)
	case Number:
		return numberSize(v.Num)
	case Binary:
		return len(v.Bin)
	case Bool, Null:
		return 1
	case List:
		n := perContainer
		for _, e := range v.List {
			n += e.Size() + perElement
		}
		return n
	case Map:
		return perContainer + v.Map.Size() + perElement*len(v.Map)
	case StringSet, NumberSet, BinarySet:
		n := 0
		for _, e := range v.List {
			n += e.Size()
		}
		return n
	}
	return 0
}
