// Package rules switches the rules of a stage's bus off and on, in a way that outlives the next apply of Terraform.
package rules

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/the-alchemiser/alchemiser/internal/naming"
)

// Rule is a rule of the bus.
type Rule struct {
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
	// KeptOff says that an apply leaves the rule off.
	KeptOff bool `json:"kept_off"`
	// Targets are the ARNs of what gets the events.
	Targets []string `json:"targets"`
	Pattern string   `json:"pattern"`
	// Managed rules belong to AWS, such as that of an archive; nobody else may change them.
	Managed bool `json:"managed"`
}

// Switchboard is the rules of a stage. It is safe for concurrent use, but of two people who change rules at once one may
// undo what the other has asked to be kept.
type Switchboard struct {
	stage  naming.Stage
	events *eventbridge.Client
	ssm    *ssm.Client
}

// New returns the switchboard of a stage.
func New(cfg aws.Config, stage naming.Stage) *Switchboard {
	return &Switchboard{stage: stage, events: eventbridge.NewFromConfig(cfg), ssm: ssm.NewFromConfig(cfg)}
}

// List returns the rules of the bus by name.
func (s *Switchboard) List(ctx context.Context) ([]Rule, error) {
	off, err := s.keptOff(ctx)
	if err != nil {
		return nil, err
	}
	var all []Rule
	for next := (*string)(nil); ; {
		page, err := s.events.ListRules(ctx, &eventbridge.ListRulesInput{EventBusName: aws.String(s.stage.Bus()), NextToken: next})
		if err != nil {
			return nil, fmt.Errorf("list the rules of %s: %w", s.stage.Bus(), err)
		}
		for _, r := range page.Rules {
			rule := Rule{
				Name: aws.ToString(r.Name), Enabled: r.State != types.RuleStateDisabled, Pattern: aws.ToString(r.EventPattern), Managed: r.ManagedBy != nil,
				KeptOff: slices.Contains(off, aws.ToString(r.Name)),
			}
			targets, err := s.events.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{EventBusName: aws.String(s.stage.Bus()), Rule: r.Name})
			if err != nil {
				return nil, fmt.Errorf("list the targets of rule %s: %w", rule.Name, err)
			}
			for _, t := range targets.Targets {
				rule.Targets = append(rule.Targets, aws.ToString(t.Arn))
			}
			all = append(all, rule)
		}
		if next = page.NextToken; next == nil {
			break
		}
	}
	slices.SortFunc(all, func(a, b Rule) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// Acting returns the names of the rules whose functions act: all but those that only watch.
func (s *Switchboard) Acting() []string {
	return []string{s.stage.Rule(naming.Strategy), s.stage.Rule(naming.Portfolio), s.stage.Rule(naming.Execution)}
}

// Name returns the name of the rule that is meant: its own, or that of the function which it brings events to.
func (s *Switchboard) Name(meant string) string {
	if slices.Contains(naming.Functions(), naming.Function(meant)) {
		return s.stage.Rule(naming.Function(meant))
	}
	return meant
}

// Set switches rules on or off. What an apply shall keep is written down first: if anything fails afterwards, repeating the
// command is all that is needed, and an apply between does what was asked for.
func (s *Switchboard) Set(ctx context.Context, on bool, names ...string) error {
	for _, name := range names {
		if _, err := s.events.DescribeRule(ctx, &eventbridge.DescribeRuleInput{EventBusName: aws.String(s.stage.Bus()), Name: &name}); err != nil {
			return fmt.Errorf("rule %s: %w", name, err)
		}
	}
	off, err := s.keptOff(ctx)
	if err != nil {
		return err
	}
	off = slices.DeleteFunc(off, func(name string) bool { return slices.Contains(names, name) })
	if !on {
		off = append(off, names...)
	}
	if err := s.keepOff(ctx, off); err != nil {
		return err
	}
	for _, name := range names {
		if on {
			_, err = s.events.EnableRule(ctx, &eventbridge.EnableRuleInput{EventBusName: aws.String(s.stage.Bus()), Name: &name})
		} else {
			_, err = s.events.DisableRule(ctx, &eventbridge.DisableRuleInput{EventBusName: aws.String(s.stage.Bus()), Name: &name})
		}
		if err != nil {
			return fmt.Errorf("rule %s: %w; give the command again", name, err)
		}
	}
	return nil
}

// none is what the parameter holds if no rule is kept off: a parameter cannot be empty.
const none = "none"

func (s *Switchboard) keptOff(ctx context.Context) ([]string, error) {
	got, err := s.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(s.stage.RulesOff())})
	var missing *ssmtypes.ParameterNotFound
	if errors.As(err, &missing) {
		return nil, fmt.Errorf("parameter %s is not there: apply Terraform first: %w", s.stage.RulesOff(), err)
	}
	if err != nil {
		return nil, fmt.Errorf("read parameter %s: %w", s.stage.RulesOff(), err)
	}
	if value := aws.ToString(got.Parameter.Value); value != none {
		return strings.Split(value, ","), nil
	}
	return nil, nil
}

func (s *Switchboard) keepOff(ctx context.Context, names []string) error {
	slices.Sort(names)
	value := strings.Join(slices.Compact(names), ",")
	if value == "" {
		value = none
	}
	_, err := s.ssm.PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String(s.stage.RulesOff()), Value: &value, Type: ssmtypes.ParameterTypeString, Overwrite: aws.Bool(true),
	})
	if err != nil {
		return fmt.Errorf("write parameter %s: %w", s.stage.RulesOff(), err)
	}
	return nil
}
