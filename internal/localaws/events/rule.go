package events

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/events/pattern"
	"github.com/the-alchemiser/alchemiser/internal/localaws/scheduler/expression"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

const (
	enabled  = "ENABLED"
	disabled = "DISABLED"
	// managedBy is what EventBridge itself signs the rules of archives with.
	managedBy = "prod.vhs.events.aws.internal"
)

// rule is a rule with its targets as it is stored.
type rule struct {
	Name, Bus, Pattern, State string
	Description, RoleARN      string
	ManagedBy                 string
	// Archive names the archive that the rule feeds; such a rule has no targets.
	Archive string
	Tags    map[string]string
	Targets []Target
	// Schedule is rate() or cron(), or empty. Rates count from Since; Fired is the last occurrence that was sent.
	Schedule     string    `json:",omitempty"`
	Since, Fired time.Time `json:",omitzero"`
}

// compiledRule is a rule ready to match.
type compiledRule struct {
	rule
	pattern  *pattern.Pattern       // nil for a rule that has a schedule only
	schedule *expression.Expression // nil for a rule without
	targets  []compiledTarget
}

func ruleARN(bus, name string) string {
	if bus == defaultBus {
		return arn.New("events", "rule/"+name)
	}
	return arn.New("events", "rule/"+bus+"/"+name)
}

func (r rule) arn() string { return ruleARN(r.Bus, r.Name) }

func (r rule) key() string { return r.Bus + "/" + r.Name }

// remember makes the rule match. The caller holds the lock.
func (s *Service) remember(r rule) error {
	c := &compiledRule{rule: r}
	if r.Pattern != "" {
		var err error
		if c.pattern, err = pattern.Compile(r.Pattern); err != nil {
			return fmt.Errorf("rule %s: %w", r.Name, err)
		}
	}
	if r.Schedule != "" {
		parsed, err := expression.Parse(r.Schedule)
		if err != nil {
			return fmt.Errorf("rule %s: %w", r.Name, err)
		}
		c.schedule = &parsed
	}
	for _, t := range r.Targets {
		compiled, err := t.compile()
		if err != nil {
			return fmt.Errorf("rule %s: target %s: %w", r.Name, t.Id, err)
		}
		c.targets = append(c.targets, compiled)
	}
	if s.rules[r.Bus] == nil {
		s.rules[r.Bus] = map[string]*compiledRule{}
	}
	s.rules[r.Bus][r.Name] = c
	return nil
}

// putStoredRule stores a rule whose pattern and targets have been checked. The caller holds the lock.
func (s *Service) putStoredRule(r rule) error {
	if err := s.tables.rules.Put(r.key(), r); err != nil {
		return err
	}
	if err := s.remember(r); err != nil {
		return err
	}
	s.reindex(r.Bus)
	s.wakeSchedules()
	return nil
}

// reindex makes the index of a bus anew, after a change of its rules. The caller holds the lock.
func (s *Service) reindex(bus string) {
	var rules []*compiledRule
	var patterns []*pattern.Pattern
	for _, name := range slices.Sorted(maps.Keys(s.rules[bus])) {
		if r := s.rules[bus][name]; r.State != disabled && r.pattern != nil {
			rules, patterns = append(rules, r), append(patterns, r.pattern)
		}
	}
	s.index[bus] = pattern.NewIndex(rules, patterns)
}

// rule returns a rule of a bus given by name or ARN. The caller holds the lock.
func (s *Service) rule(bus, name string) (*compiledRule, *wire.Error) {
	b, refused := s.bus(bus)
	if refused != nil {
		return nil, refused
	}
	r := s.rules[b.Name][name]
	if r == nil {
		return nil, notFound("Rule %s does not exist on EventBus %s.", name, b.Name)
	}
	return r, nil
}

// checkPattern compiles a pattern for its errors.
func checkPattern(text string) error {
	_, err := pattern.Compile(text)
	var refused *pattern.Error
	if errors.As(err, &refused) {
		return wire.Errorf("InvalidEventPatternException", "Event pattern is not valid. Reason: %s", refused.Message)
	}
	return err
}

// PutRuleInput is the input of PutRule.
type PutRuleInput struct {
	Name, EventBusName, EventPattern string
	ScheduleExpression               string
	State, Description, RoleArn      string
	Tags                             []Tag
}

// RuleCreated answers PutRule.
type RuleCreated struct{ RuleArn string }

func (s *Service) putRule(_ context.Context, in PutRuleInput) (RuleCreated, error) {
	if err := checkName(in.Name, "name", 64); err != nil {
		return RuleCreated{}, err
	}
	if in.State == "" {
		in.State = enabled
	}
	if err := checkEnum(in.State, "state", enabled, disabled, "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"); err != nil {
		return RuleCreated{}, err
	}
	tags, err := newTags(in.Tags)
	if err != nil {
		return RuleCreated{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, refused := s.bus(in.EventBusName)
	if refused != nil {
		return RuleCreated{}, refused
	}
	if err := in.check(b.Name); err != nil {
		return RuleCreated{}, err
	}
	r := rule{Name: in.Name, Bus: b.Name, Tags: tags}
	if old := s.rules[b.Name][in.Name]; old != nil {
		if err := old.unmanaged(); err != nil {
			return RuleCreated{}, err
		}
		r = old.rule
	} else if s.crowded(b.Name) {
		return RuleCreated{}, limitExceeded()
	}
	before := r
	r.Pattern, r.State, r.Description, r.RoleARN, r.Schedule = in.EventPattern, in.State, in.Description, in.RoleArn, in.ScheduleExpression
	return RuleCreated{RuleArn: r.arn()}, s.putStoredRule(s.scheduledFrom(r, before))
}

// maxRules is how many rules a bus may have; those of archives do not count.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
const maxRules = 300

// crowded says whether a bus has as many rules as it may. The caller holds the lock.
func (s *Service) crowded(bus string) bool {
	own := 0
	for _, r := range s.rules[bus] {
		if r.ManagedBy == "" {
			own++
		}
	}
	return own >= maxRules
}

func (in PutRuleInput) check(bus string) error {
	if in.EventPattern == "" && in.ScheduleExpression == "" {
		return invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
	}
	if in.ScheduleExpression != "" {
		if err := checkSchedule(in.ScheduleExpression, bus); err != nil {
			return err
		}
	}
	if in.EventPattern == "" {
		return nil
	}
	return checkPattern(in.EventPattern)
}

// unmanaged refuses to change a rule that belongs to an archive.
func (r *compiledRule) unmanaged() error {
	if r.ManagedBy == "" {
		return nil
	}
	return wire.Errorf("ManagedRuleException", "Rule %s is a managed rule and can't be changed directly.", r.Name)
}

// RuleRef is the input of requests about one rule.
type RuleRef struct {
	Name, EventBusName string
	Force              bool
}

// RuleDescription is a rule as the API shows it.
type RuleDescription struct {
	Name, Arn, EventBusName, State string
	EventPattern                   string `json:",omitempty"`
	ScheduleExpression             string `json:",omitempty"`
	Description                    string `json:",omitempty"`
	RoleArn                        string `json:",omitempty"`
	ManagedBy                      string `json:",omitempty"`
	CreatedBy                      string `json:",omitempty"`
}

func (r rule) describe() RuleDescription {
	return RuleDescription{
		Name: r.Name, Arn: r.arn(), EventBusName: r.Bus, State: r.State, EventPattern: r.Pattern, ScheduleExpression: r.Schedule,
		Description: r.Description, RoleArn: r.RoleARN, ManagedBy: r.ManagedBy,
	}
}

func (s *Service) describeRule(_ context.Context, in RuleRef) (RuleDescription, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, refused := s.rule(in.EventBusName, in.Name)
	if refused != nil {
		return RuleDescription{}, refused
	}
	out := r.describe()
	out.CreatedBy = arn.Account
	return out, nil
}

func (s *Service) deleteRule(_ context.Context, in RuleRef) (wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, refused := s.bus(in.EventBusName)
	if refused != nil {
		return wire.Empty{}, refused
	}
	r := s.rules[b.Name][in.Name]
	if r == nil {
		return wire.Empty{}, nil // as AWS answers
	}
	if err := r.unmanaged(); err != nil {
		return wire.Empty{}, err
	}
	if len(r.Targets) > 0 {
		return wire.Empty{}, invalid("Rule can't be deleted since it has targets.")
	}
	if err := s.tables.rules.Delete(r.key()); err != nil {
		return wire.Empty{}, err
	}
	s.forget(r.rule)
	return wire.Empty{}, nil
}

// forget removes a rule from memory. The caller holds the lock.
func (s *Service) forget(r rule) {
	delete(s.rules[r.Bus], r.Name)
	s.reindex(r.Bus)
}

func (s *Service) enableRule(_ context.Context, in RuleRef) (wire.Empty, error) {
	return wire.Empty{}, s.setState(in, enabled)
}

func (s *Service) disableRule(_ context.Context, in RuleRef) (wire.Empty, error) {
	return wire.Empty{}, s.setState(in, disabled)
}

func (s *Service) setState(in RuleRef, to string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, refused := s.rule(in.EventBusName, in.Name)
	if refused != nil {
		return refused
	}
	if err := r.unmanaged(); err != nil {
		return err
	}
	changed := r.rule
	changed.State = to
	return s.putStoredRule(s.scheduledFrom(changed, r.rule))
}

// ListRulesInput is the input of ListRules and ListRuleNamesByTarget.
type ListRulesInput struct {
	ListByPrefix
	EventBusName string
	TargetArn    string
}

// RuleList answers ListRules.
type RuleList struct {
	Rules     []RuleDescription
	NextToken string `json:",omitempty"`
}

func (s *Service) listRules(_ context.Context, in ListRulesInput) (RuleList, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, refused := s.bus(in.EventBusName)
	if refused != nil {
		return RuleList{}, refused
	}
	names, next, err := in.cut(slices.Collect(maps.Keys(s.rules[b.Name])), in.NamePrefix)
	if err != nil {
		return RuleList{}, err
	}
	out := RuleList{Rules: []RuleDescription{}, NextToken: next}
	for _, name := range names {
		out.Rules = append(out.Rules, s.rules[b.Name][name].describe())
	}
	return out, nil
}

// RuleNames answers ListRuleNamesByTarget.
type RuleNames struct {
	RuleNames []string
	NextToken string `json:",omitempty"`
}

func (s *Service) listRuleNamesByTarget(_ context.Context, in ListRulesInput) (RuleNames, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, refused := s.bus(in.EventBusName)
	if refused != nil {
		return RuleNames{}, refused
	}
	all := []string{}
	for name, r := range s.rules[b.Name] {
		if slices.ContainsFunc(r.Targets, func(t Target) bool { return t.Arn == in.TargetArn }) {
			all = append(all, name)
		}
	}
	names, next, err := in.cut(all, "")
	return RuleNames{RuleNames: names, NextToken: next}, err
}

// TestPatternInput is the input of TestEventPattern.
type TestPatternInput struct{ EventPattern, Event string }

// TestPatternResult answers TestEventPattern.
type TestPatternResult struct{ Result bool }

func (s *Service) testEventPattern(_ context.Context, in TestPatternInput) (TestPatternResult, error) {
	var e envelope
	if err := e.parse([]byte(in.Event)); err != nil {
		return TestPatternResult{}, invalid("Parameter Event is not valid.")
	}
	if err := checkPattern(in.EventPattern); err != nil {
		return TestPatternResult{}, err
	}
	event, err := pattern.ParseEvent(in.Event)
	if err != nil {
		return TestPatternResult{}, invalid("Parameter Event is not valid.")
	}
	p, err := pattern.Compile(in.EventPattern)
	if err != nil {
		return TestPatternResult{}, err
	}
	return TestPatternResult{Result: p.Match(event)}, nil
}
