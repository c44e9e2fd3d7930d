package attr

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Invalidf returns the error by which DynamoDB refuses a request.
func Invalidf(format string, args ...any) *wire.Error {
	return wire.Errorf("ValidationException", format, args...)
}

const maxDepth = 32

// UnmarshalJSON reads the wire form, {"S": "text"}.
func (v *Value) UnmarshalJSON(raw []byte) (err error) {
	*v, err = (&reader{raw: raw}).value(0)
	return err
}

// UnmarshalJSON reads the wire form, {"name": {"S": "text"}}. Null is no item.
func (it *Item) UnmarshalJSON(raw []byte) (err error) {
	r := &reader{raw: raw}
	if r.null() {
		*it = nil
		return nil
	}
	*it, err = r.item(0)
	return err
}

func (r *reader) item(depth int) (Item, error) {
	it := Item{}
	return it, r.object(func(name string) error {
		v, err := r.value(depth)
		it[name] = v
		return err
	})
}

func (r *reader) value(depth int) (v Value, err error) {
	if depth > maxDepth {
		return v, Invalidf("Nesting Levels have exceeded supported limits")
	}
	err = r.object(func(name string) error {
		if r.null() {
			return nil
		}
		if v.Type != "" {
			return Invalidf("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
		}
		v.Type = Type(name)
		return r.content(&v, depth)
	})
	if err == nil && v.Type == "" {
		err = errNoType()
	}
	return v, err
}

func errNoType() error {
	return Invalidf("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
}

// content reads what a value of v's type has.
func (r *reader) content(v *Value, depth int) (err error) {
	switch v.Type {
	case String, Number, Binary:
		return r.scalar(v)
	case Bool:
		v.Bool, err = r.flag()
		return err
	case Null:
		if v.Bool, err = r.flag(); err == nil && !v.Bool {
			return Invalidf("One or more parameter values were invalid: Null attribute value types must have the value of true")
		}
		return err
	case Map:
		v.Map, err = r.item(depth + 1)
		return err
	case List:
		return r.array(func() error {
			e, err := r.value(depth + 1)
			v.List = append(v.List, e)
			return err
		})
	case StringSet, NumberSet, BinarySet:
		err = r.array(func() error {
			e := Value{Type: v.Type[:1]}
			err := r.scalar(&e)
			v.List = append(v.List, e)
			return err
		})
		if err != nil {
			return err
		}
		return v.checkSet()
	}
	return errNoType()
}

// scalar reads a string, number or binary.
func (r *reader) scalar(v *Value) error {
	text, err := r.text()
	if err != nil {
		return err
	}
	switch v.Type {
	case Number:
		v.Num, err = ParseNumber(text)
	case Binary:
		if v.Bin, err = base64.StdEncoding.DecodeString(text); err != nil {
			err = fmt.Errorf("binary attribute value: %w", err)
		}
	default:
		v.Str = text
	}
	return err
}

// checkSet refuses empty sets, empty members and members that come twice.
func (v *Value) checkSet() error {
	if v.Len() == 0 {
		return Invalidf("One or more parameter values were invalid: %s", map[Type]string{
			StringSet: "An string set  may not be empty", NumberSet: "An number set  may not be empty",
			BinarySet: "Binary sets should not be empty",
		}[v.Type])
	}
	for _, e := range v.List {
		switch {
		case e.Type == String && e.Str == "":
			return Invalidf("One or more parameter values were invalid: An string set may not have a empty string as a member")
		case e.Type == Binary && len(e.Bin) == 0:
			return Invalidf("One or more parameter values were invalid: Binary sets may not contain null or empty values")
		}
	}
	if len(v.members()) < v.Len() {
		return v.errTwice()
	}
	return nil
}

func (v *Value) errTwice() error {
	switch v.Type { //nolint:exhaustive // the caller has the sets only
	case NumberSet:
		return Invalidf("Input collection contains duplicates")
	case BinarySet:
		return Invalidf("One or more parameter values were invalid: Input collection %sof type BS contains duplicates.", v.show())
	}
	return Invalidf("One or more parameter values were invalid: Input collection %s contains duplicates.", v.show())
}

// show spells a set as DynamoDB's messages do: [a, b].
func (v Value) show() string {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, e := range v.List {
		if i > 0 {
			b.WriteString(", ")
		}
		if b.WriteString(e.Str); e.Type == Binary {
			b.WriteString(base64.StdEncoding.EncodeToString(e.Bin))
		}
	}
	b.WriteByte(']')
	return b.String()
}

// MarshalJSON writes the wire form.
func (v Value) MarshalJSON() ([]byte, error) { return v.appendJSON(nil) }

// MarshalJSON writes the wire form, with the names in order.
func (it Item) MarshalJSON() ([]byte, error) { return it.appendJSON(nil) }

func (it Item) appendJSON(b []byte) (_ []byte, err error) {
	b = append(b, '{')
	for i, name := range slices.Sorted(maps.Keys(it)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, name), ':')
		if b, err = it[name].appendJSON(b); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func (v Value) appendJSON(b []byte) (_ []byte, err error) {
	b = append(append(append(b, '{', '"'), v.Type...), '"', ':')
	switch v.Type {
	case String, Number, Binary:
		b = v.appendScalar(b)
	case Bool:
		b = strconv.AppendBool(b, v.Bool)
	case Null:
		b = append(b, "true"...)
	case Map:
		if b, err = v.Map.appendJSON(b); err != nil {
			return nil, err
		}
	case List, StringSet, NumberSet, BinarySet:
		b = append(b, '[')
		for i, e := range v.List {
			if i > 0 {
				b = append(b, ',')
			}
			if v.IsSet() {
				b = e.appendScalar(b)
				continue
			}
			if b, err = e.appendJSON(b); err != nil {
				return nil, err
			}
		}
		b = append(b, ']')
	default:
		return nil, fmt.Errorf("attribute value of unknown type %q", v.Type)
	}
	return append(b, '}'), nil
}

func (v Value) appendScalar(b []byte) []byte {
	switch v.Type { //nolint:exhaustive // the caller has these only
	case Number:
		return append(append(append(b, '"'), FormatNumber(v.Num)...), '"')
	case Binary:
		return append(base64.StdEncoding.AppendEncode(append(b, '"'), v.Bin), '"')
	}
	return appendText(b, v.Str)
}

// appendText appends s as a JSON string.
func appendText(b []byte, s string) []byte {
	special := func(c rune) bool { return c < ' ' || c >= utf8.RuneSelf || strings.ContainsRune(`"\<>&`, c) }
	if strings.IndexFunc(s, special) < 0 {
		return append(append(append(b, '"'), s...), '"')
	}
	raw, _ := json.Marshal(s) // a string never fails
	return append(b, raw...)
}
