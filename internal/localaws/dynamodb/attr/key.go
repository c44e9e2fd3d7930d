package attr

import (
	"encoding/binary"

	"github.com/shopspring/decimal"
)

// AppendKey appends a string, number or binary to key so that the bytes of keys sort as the values do, also when
// another value follows: no encoding is the beginning of another.
func AppendKey(key []byte, v Value) []byte {
	switch v.Type { //nolint:exhaustive // only these can be keys
	case Number:
		return terminate(key, numberKey(v.Num))
	case Binary:
		return terminate(key, v.Bin)
	}
	return terminate(key, []byte(v.Str))
}

// AppendKeyPrefix appends the beginning of a string or binary: all values that begin with v have keys that begin so.
func AppendKeyPrefix(key []byte, v Value) []byte {
	return escape(key, append(v.Bin, v.Str...))
}

// terminate appends raw with its zero bytes escaped and an end mark that sorts before every other byte.
func terminate(key, raw []byte) []byte { return append(escape(key, raw), 0, 1) }

func escape(key, raw []byte) []byte {
	for _, b := range raw {
		key = append(key, b)
		if b == 0 {
			key = append(key, 0xff)
		}
	}
	return key
}

// numberKey orders numbers by sign, magnitude and digits. A negative number is the complement of its positive, with an
// end mark that is greater than every digit since the longer of two negative numbers is the smaller.
func numberKey(n decimal.Decimal) []byte {
	digits, magnitude := scientific(n)
	if digits == "" {
		return []byte{1}
	}
	key := []byte{2}
	key = binary.BigEndian.AppendUint16(key, uint16(magnitude+1<<15))
	key = append(key, digits...)
	if n.IsNegative() {
		for i := range key {
			key[i] = ^key[i]
		}
		key[0] = 0
		key = append(key, 0xff)
	}
	return key
}
