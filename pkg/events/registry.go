package events

import (
	rawjson "encoding/json"
	"reflect"

	"github.com/go-json-experiment/json"
)

// catalogue lists every type of event, in the order in which a workflow publishes them. Nothing changes it.
var catalogue = [...]codec{
	codecOf[WorkflowStarted](),
	codecOf[SignalGenerated](),
	codecOf[RebalancePlanned](),
	codecOf[TradeExecuted](),
	codecOf[WorkflowCompleted](),
	codecOf[WorkflowFailed](),
}

// Catalogue returns a zero payload of every type, in the order in which a workflow publishes them.
func Catalogue() []Payload {
	var ps []Payload
	for _, c := range catalogue {
		ps = append(ps, c.zero)
	}
	return ps
}

// codec converts the events of one type.
type codec struct {
	zero   Payload
	encode func(Event) ([]byte, error)
	decode func([]byte) (Event, error)
}

func codecFor(t Type) (codec, bool) {
	for _, c := range catalogue {
		if c.zero.EventType() == t {
			return c, true
		}
	}
	return codec{}, false
}

// message is detail: the fields of envelope and payload beside one another, and those that this version does not know.
type message[P Payload] struct {
	Envelope Envelope                      `json:",embed"`
	Payload  P                             `json:",embed"`
	Extra    map[string]rawjson.RawMessage `json:",embed"`
}

func codecOf[P Payload]() codec {
	var zero P
	return codec{
		zero: zero,
		encode: func(e Event) ([]byte, error) {
			p, ok := e.Payload.(P)
			if !ok {
				return nil, &InvalidError{Type: e.Type(), Fields: []FieldError{
					{Path: "$", Problem: "has a payload of Go type " + reflect.TypeOf(e.Payload).String() + ", want " + reflect.TypeFor[P]().String()},
				}}
			}
			return marshal(message[P]{Envelope: e.envelope(), Payload: p, Extra: e.Extra})
		},
		decode: func(detail []byte) (Event, error) {
			var m message[P]
			if err := json.Unmarshal(detail, &m); err != nil {
				return Event{}, err
			}
			return m.Envelope.event(m.Payload, m.Extra), nil
		},
	}
}
