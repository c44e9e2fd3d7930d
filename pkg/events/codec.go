package events

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// Encode returns e as it travels. sourcePrefix is put before the module: "alchemiser" makes "alchemiser.strategy".
// Times are written in UTC with microseconds; finer digits are cut. It returns a *InvalidError that names every fault if
// e is not valid. It does not check the size: see Wire.Check.
func Encode(e Event, sourcePrefix string) (Wire, error) {
	if e.Payload == nil {
		return Wire{}, fmt.Errorf("encode event %s: %w", e.ID, invalid("", "$", "has no payload"))
	}
	detail, err := encode(e)
	if err != nil {
		return Wire{}, fmt.Errorf("encode event %s: %w", e.ID, err)
	}
	return Wire{
		Source:     sourcePrefix + "." + e.SourceModule,
		DetailType: string(e.Type()),
		Resources:  []string{"correlation:" + e.CorrelationID, "causation:" + e.CausationID},
		Detail:     detail,
	}, nil
}

func encode(e Event) ([]byte, error) {
	c, ok := codecFor(e.Type())
	if !ok {
		return nil, unknownType(e.Type())
	}
	if err := e.Validate(); err != nil {
		return nil, err
	}
	return c.encode(e)
}

// marshal returns m as JSON: the same bytes whenever m is the same. Its members stand in the order of the Go fields; only
// Fingerprint needs them sorted, which would double the time of a publish.
func marshal(m any) ([]byte, error) {
	raw, err := json.Marshal(m, json.WithMarshalers(writers), json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return nil, fault.New(fault.Invalid, "not writable as JSON: %w", err)
	}
	return raw, nil
}

// writers are the forms that the contract wants: times in UTC, whatever their location is, and decimals as strings.
var writers = json.JoinMarshalers(
	json.MarshalToFunc(func(to *jsontext.Encoder, t time.Time) error {
		return to.WriteToken(jsontext.String(t.UTC().Format("2006-01-02T15:04:05.000000Z")))
	}),
	json.MarshalToFunc(func(to *jsontext.Encoder, d decimal.Decimal) error {
		b := append(to.AvailableBuffer(), '"')
		return to.WriteValue(append(appendDecimal(b, d), '"'))
	}),
)

// Decode returns the event that detail holds. detailType must be the event_type in it. Unknown fields of the top level
// are kept in Extra, unknown fields below it are dropped. A fault of structure or value is a *InvalidError that names
// every field with its path; an unknown major version is a *VersionError. Both carry fault.Invalid.
func Decode(detailType string, detail []byte) (Event, error) {
	t := Type(detailType)
	var members map[string]jsontext.Value
	if jsontext.Value(detail).Kind() != '{' {
		return Event{}, invalid(t, "$", "is %s, want an object", brief(detail))
	}
	if err := json.Unmarshal(detail, &members); err != nil {
		return Event{}, malformed(t, err)
	}
	c, ok := codecFor(t)
	if !ok {
		return Event{}, unknownType(t)
	}
	if version, ok := text(members["schema_version"]); ok {
		if err := readable(t, version); err != nil {
			return Event{}, err
		}
	}
	var fs faults
	fs.members("$", members, reflect.TypeFor[Envelope]())
	fs.members("$", members, reflect.TypeOf(c.zero))
	if got, ok := text(members["event_type"]); ok && Type(got) != t {
		fs.add("$.event_type", "is %q, the detail-type is %q", got, t)
	}
	if err := fs.err(t); err != nil {
		return Event{}, err
	}
	e, err := c.decode(detail)
	if err != nil {
		return Event{}, malformed(t, err)
	}
	if err := e.Validate(); err != nil {
		return Event{}, err
	}
	return e, nil
}

func unknownType(t Type) error {
	return invalid(t, "$.event_type", "is %q, which this version does not know", t)
}

// malformed names the place of a fault of the JSON itself: a name that appears twice, text after the end.
func malformed(t Type, err error) error {
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		path := "$"
		for token := range syntactic.JSONPointer.Tokens() {
			if isNumber(token) {
				path += "[" + token + "]"
			} else {
				path += member(token)
			}
		}
		return invalid(t, path, "is malformed at byte %d: %v", syntactic.ByteOffset, syntactic.Err)
	}
	return invalid(t, "$", "is not readable: %v", err)
}

func text(v jsontext.Value) (string, bool) {
	var s string
	return s, v.Kind() == '"' && json.Unmarshal(v, &s) == nil
}
