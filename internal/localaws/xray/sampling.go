package xray

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// SamplingRule says which requests are traced.
type SamplingRule struct {
	RuleName      string
	RuleARN       string
	ResourceARN   string
	Priority      int
	FixedRate     float64
	ReservoirSize int
	ServiceName   string
	ServiceType   string
	Host          string
	HTTPMethod    string
	URLPath       string
	Version       int
	Attributes    map[string]string
}

type samplingRuleRecord struct {
	SamplingRule          SamplingRule
	CreatedAt, ModifiedAt wire.Time
}

// storedRule is a rule as it is stored.
type storedRule struct {
	samplingRuleRecord
	Tags []Tag
}

// SamplingRuleInput creates or names a rule.
type SamplingRuleInput struct {
	SamplingRule SamplingRule
	RuleName     string
	RuleARN      string
	Tags         []Tag
}

// SamplingRuleUpdateInput changes what is not nil.
type SamplingRuleUpdateInput struct{ SamplingRuleUpdate samplingRuleUpdate }

type samplingRuleUpdate struct {
	RuleName, RuleARN                                                string
	ResourceARN, ServiceName, ServiceType, Host, HTTPMethod, URLPath *string
	Priority, ReservoirSize                                          *int
	FixedRate                                                        *float64
	Attributes                                                       map[string]string
}

// SamplingRuleOutput is one rule.
type SamplingRuleOutput struct{ SamplingRuleRecord samplingRuleRecord }

type samplingRulesOutput struct{ SamplingRuleRecords []samplingRuleRecord }

var (
	ruleExpr = regexp.MustCompile(`^[ -~]{1,32}$`)
	epoch    = wire.Time{Time: time.Unix(1, 0)}
)

// defaultRule applies where no other one does. On AWS it takes one request a second and 5 % of the rest; here it takes
// every request, since a developer wants to see them all.
func defaultRule() samplingRuleRecord {
	return samplingRuleRecord{CreatedAt: epoch, ModifiedAt: epoch, SamplingRule: SamplingRule{
		RuleName: "Default", RuleARN: arn.New("xray", "sampling-rule/Default"), ResourceARN: "*", Priority: 10000,
		FixedRate: 1, ReservoirSize: 1, ServiceName: "*", ServiceType: "*", Host: "*", HTTPMethod: "*", URLPath: "*",
		Version: 1, Attributes: map[string]string{},
	}}
}

func (s *Service) createRule(_ context.Context, in SamplingRuleInput) (out SamplingRuleOutput, err error) {
	r := in.SamplingRule
	switch {
	case !ruleExpr.MatchString(r.RuleName) || r.RuleName == "Default":
		return out, invalid("Invalid rule name: %s", r.RuleName)
	case r.Version != 1:
		return out, invalid("Invalid version: %d", r.Version)
	}
	if err := r.check(); err != nil {
		return out, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rules, err := s.allRules()
	switch {
	case err != nil:
		return out, err
	case slices.ContainsFunc(rules, func(o storedRule) bool { return o.SamplingRule.RuleName == r.RuleName }):
		return out, invalid("Sampling rule already exists: %s", r.RuleName)
	case len(rules) >= maxGroups:
		return out, wire.Errorf("RuleLimitExceededException", "An account has at most %d sampling rules.", maxGroups)
	}
	r.RuleARN = arn.New("xray", "sampling-rule/"+r.RuleName)
	if r.Attributes == nil {
		r.Attributes = map[string]string{}
	}
	now := wire.Time{Time: s.cfg.Clock.Now()}
	stored := storedRule{samplingRuleRecord{r, now, now}, in.Tags}
	return SamplingRuleOutput{stored.samplingRuleRecord}, s.rules.Put(r.RuleName, stored)
}

func (r SamplingRule) check() error {
	if r.Priority < 1 || r.Priority > 9999 || r.FixedRate < 0 || r.FixedRate > 1 || r.ReservoirSize < 0 {
		return invalid("Sampling rule %s: the priority must be 1 to 9999, the fixed rate 0 to 1 and the reservoir not negative.", r.RuleName)
	}
	return nil
}

func (s *Service) updateRule(_ context.Context, in SamplingRuleUpdateInput) (out SamplingRuleOutput, err error) {
	u := in.SamplingRuleUpdate
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, err := s.rule(u.RuleName, u.RuleARN)
	if err != nil {
		return out, err
	}
	r := &stored.SamplingRule
	set(&r.ResourceARN, u.ResourceARN)
	set(&r.ServiceName, u.ServiceName)
	set(&r.ServiceType, u.ServiceType)
	set(&r.Host, u.Host)
	set(&r.HTTPMethod, u.HTTPMethod)
	set(&r.URLPath, u.URLPath)
	set(&r.Priority, u.Priority)
	set(&r.ReservoirSize, u.ReservoirSize)
	set(&r.FixedRate, u.FixedRate)
	if u.Attributes != nil {
		r.Attributes = u.Attributes
	}
	if err := r.check(); err != nil {
		return out, err
	}
	stored.ModifiedAt = wire.Time{Time: s.cfg.Clock.Now()}
	return SamplingRuleOutput{stored.samplingRuleRecord}, s.rules.Put(r.RuleName, stored)
}

func set[T any](into, from *T) {
	if from != nil {
		*into = *from
	}
}

func (s *Service) deleteRule(_ context.Context, in SamplingRuleInput) (out SamplingRuleOutput, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.rule(in.RuleName, in.RuleARN)
	if err != nil {
		return out, err
	}
	return SamplingRuleOutput{r.samplingRuleRecord}, s.rules.Delete(r.SamplingRule.RuleName)
}

func (s *Service) rule(name, ruleARN string) (storedRule, error) {
	rules, err := s.allRules()
	if err != nil {
		return storedRule{}, err
	}
	for _, r := range rules {
		if r.SamplingRule.RuleName == name || r.SamplingRule.RuleARN == ruleARN && ruleARN != "" {
			return r, nil
		}
	}
	return storedRule{}, invalid("Sampling rule does not exist: %s", cmp.Or(name, ruleARN))
}

func (s *Service) allRules() ([]storedRule, error) {
	var rules []storedRule
	err := s.rules.Scan("", "", func(_ string, r storedRule) bool {
		rules = append(rules, r)
		return true
	})
	return rules, err
}

func (s *Service) getSamplingRules(context.Context, wire.Empty) (samplingRulesOutput, error) {
	rules, err := s.allRules()
	out := samplingRulesOutput{[]samplingRuleRecord{defaultRule()}}
	for _, r := range rules {
		out.SamplingRuleRecords = append(out.SamplingRuleRecords, r.samplingRuleRecord)
	}
	return out, err
}

type samplingTargetsInput struct {
	SamplingStatisticsDocuments []struct{ RuleName string }
}

type samplingTarget struct {
	RuleName          string
	FixedRate         float64
	ReservoirQuota    int
	ReservoirQuotaTTL wire.Time
	Interval          int
}

type samplingTargetsOutput struct {
	SamplingTargetDocuments []samplingTarget
	LastRuleModification    wire.Time
	UnprocessedStatistics   []unprocessedStatistics
}

type unprocessedStatistics struct{ RuleName, ErrorCode, Message string }

// getSamplingTargets gives the whole reservoir of a rule to whoever asks: there is one host.
func (s *Service) getSamplingTargets(_ context.Context, in samplingTargetsInput) (samplingTargetsOutput, error) {
	out := samplingTargetsOutput{
		SamplingTargetDocuments: []samplingTarget{}, LastRuleModification: epoch,
		UnprocessedStatistics: []unprocessedStatistics{},
	}
	rules, err := s.allRules()
	for _, r := range rules {
		if r.ModifiedAt.After(out.LastRuleModification.Time) {
			out.LastRuleModification = r.ModifiedAt
		}
	}
	rules = append(rules, storedRule{samplingRuleRecord: defaultRule()})
	for _, doc := range in.SamplingStatisticsDocuments {
		i := slices.IndexFunc(rules, func(r storedRule) bool { return r.SamplingRule.RuleName == doc.RuleName })
		if i < 0 {
			out.UnprocessedStatistics = append(out.UnprocessedStatistics, unprocessedStatistics{doc.RuleName, "400", "Unknown rule"})
			continue
		}
		r := rules[i].SamplingRule
		out.SamplingTargetDocuments = append(out.SamplingTargetDocuments, samplingTarget{
			RuleName: r.RuleName, FixedRate: r.FixedRate, ReservoirQuota: r.ReservoirSize, Interval: 10,
			ReservoirQuotaTTL: wire.Time{Time: s.cfg.Clock.Now().Add(time.Minute)},
		})
	}
	return out, err
}
