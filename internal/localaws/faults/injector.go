// Package faults lets the endpoint fail on purpose, as AWS does by chance: the rules of a plan say what strikes where and
// how often. The same plan strikes the same matches of the same sequence again.
package faults

import (
	"math/rand/v2"
	"path"
	"slices"
	"sync"
	"time"
)

// Fault is what happens now.
type Fault struct {
	Kind  Kind
	Delay time.Duration
	// Done is true if the request is to be carried out first.
	Done bool
}

// Request is a call of an operation. Function is the one that makes it, "" if none does.
type Request struct{ Service, Operation, Function string }

// Count is how often a rule matched, and how often it struck.
type Count struct {
	Rule
	Matched  int `json:"matched"`
	Injected int `json:"injected"`
}

// Injector decides where faults strike. Its zero value and nil inject none. It is safe for concurrent use.
type Injector struct {
	mu    sync.Mutex
	seed  uint64
	rules []Count
}

// Set replaces the plan. Counts start at 0.
func (i *Injector) Set(p Plan) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.seed, i.rules = p.Seed, make([]Count, len(p.Rules))
	for n, r := range p.Rules {
		i.rules[n].Rule = r
	}
}

// Counts returns the rules with what they did so far.
func (i *Injector) Counts() []Count {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.rules)
}

// Request decides for a request: Throttle, Fail, Lose or Kill.
func (i *Injector) Request(r Request) (Fault, bool) {
	return i.decide(func(rule Rule) bool {
		switch rule.Fault {
		case Throttle, Fail, Lose:
		case Kill:
			if r.Function == "" || rule.Service == "" && rule.Operation == "" {
				return false
			}
		case Refuse, Duplicate, Delay, Timeout:
			return false
		}
		return matches(rule.Service, r.Service) && matches(rule.Operation, r.Operation) && matches(rule.Function, r.Function)
	})
}

// Entry says whether an entry of PutEvents is refused.
func (i *Injector) Entry(detailType string) bool {
	_, ok := i.decide(func(rule Rule) bool { return rule.Fault == Refuse && matches(rule.DetailType, detailType) })
	return ok
}

// Delivery decides for the first attempt to deliver an event: Duplicate or Delay. function is the target's name, "" if
// the target is no function.
func (i *Injector) Delivery(function string) (Fault, bool) {
	return i.decide(func(rule Rule) bool {
		return (rule.Fault == Duplicate || rule.Fault == Delay) && matches(rule.Function, function)
	})
}

// Invocation decides for an invocation of a function: Kill or Timeout.
func (i *Injector) Invocation(function string) (Fault, bool) {
	return i.decide(func(rule Rule) bool {
		byTime := rule.Fault == Timeout || rule.Fault == Kill && rule.Service == "" && rule.Operation == ""
		return byTime && matches(rule.Function, function)
	})
}

// decide asks the rules in turn.
func (i *Injector) decide(match func(Rule) bool) (Fault, bool) {
	if i == nil {
		return Fault{}, false
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	for n := range i.rules {
		c := &i.rules[n]
		if !match(c.Rule) {
			continue
		}
		c.Matched++
		if c.Matched <= c.Skip || c.Times > 0 && c.Injected >= c.Times {
			continue
		}
		// A draw depends on the rule and the number of the match alone, not on what other rules drew before.
		draw := rand.New(rand.NewPCG(i.seed, uint64(n)<<32|uint64(c.Matched))) //nolint:gosec // no secret; neither is negative
		if c.Probability > 0 && draw.Float64() >= c.Probability {
			continue
		}
		c.Injected++
		delay := time.Duration(c.After)
		if c.Random {
			delay = time.Duration(draw.Int64N(int64(c.After)))
		}
		return Fault{Kind: c.Fault, Delay: delay, Done: c.Done}, true
	}
	return Fault{}, false
}

// matches says whether a matcher lets a value through. Patterns have been checked.
func matches(pattern, value string) bool {
	if pattern == "" {
		return true
	}
	ok, err := path.Match(pattern, value)
	return ok && err == nil
}
