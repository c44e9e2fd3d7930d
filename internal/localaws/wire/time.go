package wire

import (
	"strconv"
	"time"
)

// Time is a timestamp as AWS sends it: seconds since the epoch with a fraction in JSON, RFC 3339 in XML. The zero time
// is null.
type Time struct{ time.Time }

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(t.UnixMilli())/1000, 'f', 3, 64), nil
}

// MarshalText implements encoding.TextMarshaler, which encoding/xml uses.
func (t Time) MarshalText() ([]byte, error) {
	return []byte(t.UTC().Format("2006-01-02T15:04:05.000Z")), nil
}

// UnmarshalJSON accepts seconds since the epoch or RFC 3339.
func (t *Time) UnmarshalJSON(raw []byte) error {
	if s, err := strconv.Unquote(string(raw)); err == nil {
		parsed, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return err
		}
		t.Time = parsed
		return nil
	}
	if string(raw) == "null" {
		return nil
	}
	sec, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return err
	}
	t.Time = time.UnixMilli(int64(sec * 1000)).UTC()
	return nil
}

// UnmarshalText accepts RFC 3339.
func (t *Time) UnmarshalText(raw []byte) error {
	parsed, err := time.Parse(time.RFC3339Nano, string(raw))
	if err != nil {
		return err
	}
	t.Time = parsed
	return nil
}
