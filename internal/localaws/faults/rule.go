package faults

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"time"
)

// Kind is what goes wrong.
type Kind string

// The kinds of faults, by where they strike.
const (
	// Throttle refuses a request with the throttling error of its service. Nothing is done.
	Throttle Kind = "throttle"
	// Fail answers a request with status 500. Nothing is done.
	Fail Kind = "fail"
	// Lose carries a request out and closes the connection without an answer.
	Lose Kind = "lose"
	// Refuse lets one entry of PutEvents fail; the others are accepted.
	Refuse Kind = "refuse"
	// Duplicate delivers an event to its target twice, the second time after the delay.
	Duplicate Kind = "duplicate"
	// Delay lets a delivery of an event wait. Random delays let events overtake one another.
	Delay Kind = "delay"
	// Kill ends the process of a function with SIGKILL: at a request that it makes, or the delay after an invocation began.
	Kill Kind = "kill"
	// Timeout ends an invocation as if the function's time were up, the delay after it began.
	Timeout Kind = "timeout"
)

// Rule injects one kind of fault. Empty matchers match everything; matchers may hold * and ? as path.Match has them.
type Rule struct {
	Fault Kind `json:"fault"`
	// Service and Operation are those of the request, such as "dynamodb" and "UpdateItem".
	Service   string `json:"service,omitempty"`
	Operation string `json:"operation,omitempty"`
	// Function is the name of the function that makes the request, is invoked, or is the target of the delivery.
	Function string `json:"function,omitempty"`
	// DetailType is that of the entry (Refuse).
	DetailType string `json:"detail_type,omitempty"`

	// Skip lets the first matches pass; Times bounds how many faults are injected, 0 is no bound.
	Skip  int `json:"skip,omitempty"`
	Times int `json:"times,omitempty"`
	// Probability is that of a fault at a match, in (0, 1]; 0 is 1.
	Probability float64 `json:"probability,omitempty"`

	// After is the delay, such as "250ms"; Random draws it anew for each fault, from 0 up to After.
	After  Duration `json:"after,omitzero"`
	Random bool     `json:"random,omitempty"`
	// Done lets Kill strike when the request has been carried out but not answered, instead of before.
	Done bool `json:"done,omitempty"`
}

// Plan is a set of rules. The first one that strikes decides.
type Plan struct {
	// Seed determines, with the order of matches, which of them a fault strikes.
	Seed  uint64 `json:"seed,omitempty"`
	Rules []Rule `json:"rules"`
}

// Parse reads a plan from JSON. The error names the rule and the field.
func Parse(text []byte) (Plan, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var p Plan
	if err := d.Decode(&p); err != nil {
		return Plan{}, fmt.Errorf("fault plan: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Plan{}, errors.New("fault plan: want nothing after the object")
	}
	var errs []error
	for i, r := range p.Rules {
		if err := r.check(); err != nil {
			errs = append(errs, fmt.Errorf("fault plan: rules[%d]: %w", i, err))
		}
	}
	return p, errors.Join(errs...)
}

// check says what is wrong with the rule.
func (r Rule) check() error {
	byRequest := r.Service != "" || r.Operation != ""
	var errs []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	switch r.Fault {
	case Throttle, Fail, Lose:
		refuse(r.After != 0 || r.Random, "after, random: a %s has no delay", r.Fault)
	case Kill:
		refuse(byRequest && (r.After != 0 || r.Random), "after, random: not with service or operation: the request is the moment")
		refuse(r.Done && !byRequest, "done: only with service or operation")
	case Timeout, Duplicate, Delay:
		refuse(byRequest, "service, operation: only requests have them, not a %s", r.Fault)
		refuse(r.Fault == Delay && r.After == 0, `after: want how long, such as "2s"`)
	case Refuse:
		refuse(byRequest || r.Function != "" || r.After != 0 || r.Random, "a refuse matches by detail_type only and has no delay")
	default:
		refuse(true, "fault %q: want throttle, fail, lose, refuse, duplicate, delay, kill or timeout", r.Fault)
	}
	refuse(r.DetailType != "" && r.Fault != Refuse, "detail_type: only with refuse")
	refuse(r.Done && r.Fault != Kill, "done: only with kill")
	refuse(r.Random && r.After == 0, "random: want after as well, the longest delay")
	refuse(r.Probability < 0 || r.Probability > 1, "probability %v: want one in (0, 1]", r.Probability)
	refuse(r.Skip < 0 || r.Times < 0 || r.After < 0, "skip, times, after: want none below 0")
	for _, pattern := range []string{r.Service, r.Operation, r.Function, r.DetailType} {
		_, err := path.Match(pattern, "")
		refuse(err != nil, "%q: %w", pattern, err)
	}
	return errors.Join(errs...)
}

// Duration is a time.Duration as people write it: "250ms".
type Duration time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("duration: %w", err)
	}
	*d = Duration(parsed)
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }
