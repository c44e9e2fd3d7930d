package attr_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

func TestNumbersAreExact(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"1.0":                                    "1",
		"007":                                    "7",
		"-0":                                     "0",
		"1e3":                                    "1000",
		"1.50E1":                                 "15",
		".5":                                     "0.5",
		"5.":                                     "5",
		"12345678901234567890123456789012345678": "12345678901234567890123456789012345678",
		"0.12345678901234567890123456789012345678": "0.12345678901234567890123456789012345678",
		"-12345678901234567890.123456789012345678": "-12345678901234567890.123456789012345678",
		"1E-130": "0." + strings.Repeat("0", 129) + "1",
		"9E125":  "9" + strings.Repeat("0", 125),
	} {
		n, err := attr.ParseNumber(in)
		if err != nil {
			t.Errorf("ParseNumber(%q): %v", in, err)
			continue
		}
		if got := attr.FormatNumber(n); got != want {
			t.Errorf("%q is stored as %q, want %q", in, got, want)
		}
	}
}

func TestNumbersThatDynamoDBRefuses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":       "The parameter cannot be converted to a numeric value",
		"1,5":    "The parameter cannot be converted to a numeric value: 1,5",
		"NaN":    "The parameter cannot be converted to a numeric value: NaN",
		"0x10":   "The parameter cannot be converted to a numeric value: 0x10",
		"1E126":  "Number overflow. Attempting to store a number with magnitude larger than supported range",
		"1E-131": "Number underflow. Attempting to store a number with magnitude smaller than supported range",
		"1.23456789012345678901234567890123456789": "Attempting to store more than 38 significant digits in a Number",
	} {
		_, err := attr.ParseNumber(in)
		var invalid *wire.Error
		if !errors.As(err, &invalid) || invalid.Message != want {
			t.Errorf("ParseNumber(%q) = %v, want %q", in, err, want)
		}
	}
}

func TestValuesThatDynamoDBRefuses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{}`:                     "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
		`{"S":"a","N":"1"}`:      "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
		`{"X":"a"}`:              "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
		`{"SS":[]}`:              "One or more parameter values were invalid: An string set  may not be empty",
		`{"BS":[]}`:              "One or more parameter values were invalid: Binary sets should not be empty",
		`{"SS":["a",""]}`:        "One or more parameter values were invalid: An string set may not have a empty string as a member",
		`{"BS":["AQ==",""]}`:     "One or more parameter values were invalid: Binary sets may not contain null or empty values",
		`{"SS":["b","a","b"]}`:   "One or more parameter values were invalid: Input collection [b, a, b] contains duplicates.",
		`{"BS":["AQ==","AQ=="]}`: "One or more parameter values were invalid: Input collection [AQ==, AQ==]of type BS contains duplicates.",
		`{"NS":["1","1.0"]}`:     "Input collection contains duplicates",
		`{"L":[{"M":{"a":{}}}]}`: "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
		strings.Repeat(`{"L":[`, 40) + strings.Repeat(`]}`, 40): "Nesting Levels have exceeded supported limits",
	} {
		var v attr.Value
		if err := json.Unmarshal([]byte(in), &v); err == nil || err.Error() != "ValidationException: "+want {
			t.Errorf("%s: %v, want %q", in, err, want)
		}
	}
}

func keyed() *rapid.Generator[attr.Value] {
	return rapid.OneOf(
		rapid.Map(rapid.String(), func(s string) attr.Value { return attr.Value{Type: attr.String, Str: s} }),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) attr.Value { return attr.Value{Type: attr.Binary, Bin: b} }),
		rapid.Custom(func(t *rapid.T) attr.Value {
			text := rapid.StringMatching(`-?[0-9]{1,19}(\.[0-9]{1,18})?(e-?[0-9]{1,2})?`).Draw(t, "number")
			n, err := attr.ParseNumber(text)
			if err != nil {
				t.Skip("not a number of DynamoDB")
			}
			return attr.Value{Type: attr.Number, Num: n}
		}),
	)
}

func TestKeysSortAsTheirValuesDo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := keyed().Draw(t, "a"), keyed().Draw(t, "b")
		want, ok := a.Compare(b)
		if !ok {
			t.Skip("not comparable")
		}
		if got := bytes.Compare(attr.AppendKey(nil, a), attr.AppendKey(nil, b)); cmp.Compare(got, 0) != want {
			t.Fatalf("keys of %+v and %+v compare as %d, values as %d", a, b, got, want)
		}
	})
}

func TestNoKeyIsTheBeginningOfAnother(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := keyed().Draw(t, "a"), keyed().Draw(t, "b")
		if a.Type == b.Type && !a.Equal(b) && bytes.HasPrefix(attr.AppendKey(nil, a), attr.AppendKey(nil, b)) {
			t.Fatalf("the key of %+v begins with that of %+v", a, b)
		}
	})
}

func FuzzValue(f *testing.F) {
	for _, seed := range []string{
		`{"S":"x"}`, `{"N":"-1.5e3"}`, `{"B":"AAE="}`, `{"BOOL":false}`, `{"NULL":true}`,
		`{"L":[{"S":"a"},{"N":"1"}]}`, `{"M":{"a":{"SS":["x","y"]}}}`, `{"NS":["1","2"]}`, `{"BS":["AA=="]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var v attr.Value
		if json.Unmarshal(raw, &v) != nil {
			return
		}
		wire, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("accepted %q but cannot write it: %v", raw, err)
		}
		var again attr.Value
		if err := json.Unmarshal(wire, &again); err != nil {
			t.Fatalf("accepted %q, refused its own %q: %v", raw, wire, err)
		}
		if !again.Equal(v) || again.Size() != v.Size() {
			t.Fatalf("%q came back as %q", raw, wire)
		}
	})
}
