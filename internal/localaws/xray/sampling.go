package xray

import (
	"context"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// samplingRule is the one rule there is. On AWS the default takes one request a second and 5 % of the rest; here
// every request is sampled, since a developer wants to see them all.
type samplingRule struct {
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
	SamplingRule          samplingRule
	CreatedAt, ModifiedAt wire.Time
}

type samplingRulesOutput struct{ SamplingRuleRecords []samplingRuleRecord }

func (s *Service) getSamplingRules(context.Context, wire.Empty) (samplingRulesOutput, error) {
	epoch := wire.Time{Time: time.Unix(1, 0)}
	return samplingRulesOutput{[]samplingRuleRecord{{
		SamplingRule: samplingRule{
			RuleName: "Default", RuleARN: arn.New("xray", "sampling-rule/Default"), ResourceARN: "*", Priority: 10000,
			FixedRate: 1, ReservoirSize: 1, ServiceName: "*", ServiceType: "*", Host: "*", HTTPMethod: "*", URLPath: "*",
			Version: 1, Attributes: map[string]string{},
		},
		CreatedAt: epoch, ModifiedAt: epoch,
	}}}, nil
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
	UnprocessedStatistics   []struct{}
}

func (s *Service) getSamplingTargets(_ context.Context, in samplingTargetsInput) (samplingTargetsOutput, error) {
	out := samplingTargetsOutput{
		SamplingTargetDocuments: []samplingTarget{}, LastRuleModification: wire.Time{Time: time.Unix(1, 0)},
		UnprocessedStatistics: []struct{}{},
	}
	for _, doc := range in.SamplingStatisticsDocuments {
		out.SamplingTargetDocuments = append(out.SamplingTargetDocuments, samplingTarget{
			RuleName: doc.RuleName, FixedRate: 1, ReservoirQuota: 1, Interval: 10,
			ReservoirQuotaTTL: wire.Time{Time: time.Now().Add(time.Minute)},
		})
	}
	return out, nil
}
