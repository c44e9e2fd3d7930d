package attr

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Invalidf returns the error by which DynamoDB refuses a request.
func Invalidf(format string, args ...any) *wire.Error {
	return wire.Errorf("ValidationException", format, args...)
}

const maxDepth = 32

// UnmarshalJSON reads the wire form, {"S": "text"}.
func (v *Value) UnmarshalJSON(raw []byte) error {
	parsed, err := parse(raw, 0)
	if err != nil {
		return err
	}
	*v = parsed
	return nil
}

func parse(raw []byte, depth int) (v Value, err error) {
	if depth > maxDepth {
		return v, Invalidf("Nesting Levels have exceeded supported limits")
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return v, err
	}
	for name, field := range fields {
		if bytes.Equal(field, []byte("null")) {
			delete(fields, name)
		}
	}
	if len(fields) == 0 {
		return v, Invalidf("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	}
	if len(fields) > 1 {
		return v, Invalidf("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	}
	for name, field := range fields {
		v.Type = Type(name)
		err = v.parseField(field, depth)
	}
	return v, err
}

func (v *Value) parseField(raw []byte, depth int) error {
	switch v.Type {
	case String:
		return json.Unmarshal(raw, &v.Str)
	case Number:
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
		n, err := ParseNumber(text)
		v.Num = n
		return err
	case Binary:
		return json.Unmarshal(raw, &v.Bin)
	case Bool:
		return json.Unmarshal(raw, &v.Bool)
	case Null:
		if err := json.Unmarshal(raw, &v.Bool); err != nil {
			return err
		}
		if !v.Bool {
			return Invalidf("One or more parameter values were invalid: Null attribute value types must have the value of true")
		}
		return nil
	case List:
		return v.parseList(raw, depth)
	case Map:
		return v.parseMap(raw, depth)
	case StringSet, NumberSet, BinarySet:
		return v.parseSet(raw)
	}
	return Invalidf("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
}

func (v *Value) parseList(raw []byte, depth int) error {
	var elements []json.RawMessage
	if err := json.Unmarshal(raw, &elements); err != nil {
		return err
	}
	v.List = make([]Value, len(elements))
	for i, e := range elements {
		parsed, err := parse(e, depth+1)
		if err != nil {
			return err
		}
		v.List[i] = parsed
	}
	return nil
}

func (v *Value) parseMap(raw []byte, depth int) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return err
	}
	v.Map = make(Item, len(members))
	for name, m := range members {
		parsed, err := parse(m, depth+1)
		if err != nil {
			return err
		}
		v.Map[name] = parsed
	}
	return nil
}

func (v *Value) parseSet(raw []byte) error {
	switch v.Type { //nolint:exhaustive // the caller has the sets only
	case StringSet:
		if err := json.Unmarshal(raw, &v.StrSet); err != nil {
			return err
		}
	case BinarySet:
		if err := json.Unmarshal(raw, &v.BinSet); err != nil {
			return err
		}
	case NumberSet:
		var texts []string
		if err := json.Unmarshal(raw, &texts); err != nil {
			return err
		}
		for _, text := range texts {
			n, err := ParseNumber(text)
			if err != nil {
				return err
			}
			v.NumSet = append(v.NumSet, n)
		}
	}
	return v.checkSet()
}

// checkSet refuses empty sets, empty members and members that come twice.
func (v *Value) checkSet() error {
	if v.Len() == 0 {
		return Invalidf("One or more parameter values were invalid: %s", map[Type]string{
			StringSet: "An string set  may not be empty", NumberSet: "An number set  may not be empty",
			BinarySet: "Binary sets should not be empty",
		}[v.Type])
	}
	if slices.Contains(v.StrSet, "") {
		return Invalidf("One or more parameter values were invalid: An string set may not have a empty string as a member")
	}
	if slices.ContainsFunc(v.BinSet, func(b []byte) bool { return len(b) == 0 }) {
		return Invalidf("One or more parameter values were invalid: Binary sets may not contain null or empty values")
	}
	seen := map[string]bool{}
	for _, e := range v.Elements() {
		key := string(AppendKey(nil, e))
		if seen[key] {
			return v.errTwice()
		}
		seen[key] = true
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
	for i, e := range v.Elements() {
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
func (v Value) MarshalJSON() ([]byte, error) {
	var content any
	switch v.Type {
	case String:
		content = v.Str
	case Number:
		content = FormatNumber(v.Num)
	case Binary:
		content = append([]byte{}, v.Bin...)
	case Bool:
		content = v.Bool
	case Null:
		content = true
	case List:
		content = append([]Value{}, v.List...)
	case Map:
		content = v.Map
		if v.Map == nil {
			content = Item{}
		}
	case StringSet:
		content = v.StrSet
	case NumberSet:
		content = formatAll(v.NumSet)
	case BinarySet:
		content = v.BinSet
	default:
		return nil, fmt.Errorf("attribute value of unknown type %q", v.Type)
	}
	raw, err := json.Marshal(content)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, `{%q:%s}`, string(v.Type), raw), nil
}

func formatAll(numbers []decimal.Decimal) []string {
	texts := make([]string, len(numbers))
	for i, n := range numbers {
		texts[i] = FormatNumber(n)
	}
	return texts
}
