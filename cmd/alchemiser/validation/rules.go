package validation

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/the-alchemiser/alchemiser/internal/naming"
)

// sourcePrefix stands before the module in the source of an event.
const sourcePrefix = "alchemiser."

// ruleBook knows which events the rules select, by EventBridge's own judgement. The patterns look at nothing but source,
// type and replay, so each of these is asked for once.
type ruleBook struct {
	bus      *eventbridge.Client
	account  string
	region   string
	patterns map[naming.Function]string
	answers  map[string]bool
}

// rules reads the patterns of functions. The state of a rule does not matter: an event that passed while it was off has
// missed its function.
func (r *Reader) rules(ctx context.Context, functions ...naming.Function) (*ruleBook, error) {
	b := &ruleBook{bus: r.bus, account: r.account, region: r.cfg.Region, patterns: map[naming.Function]string{}, answers: map[string]bool{}}
	for _, f := range functions {
		name := r.stage.Rule(f)
		got, err := r.bus.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: &name, EventBusName: aws.String(r.stage.Bus())})
		if err != nil {
			return nil, fmt.Errorf("read rule %s: %w", name, err)
		}
		b.patterns[f] = aws.ToString(got.EventPattern)
	}
	return b, nil
}

// wants says whether the rule of f selects p, when it comes by a replay of that name or, without one, by itself.
func (b *ruleBook) wants(ctx context.Context, f naming.Function, p published, replay string) (bool, error) {
	question := string(f) + " " + p.Source + " " + p.Type + " " + replay
	if answer, ok := b.answers[question]; ok {
		return answer, nil
	}
	event := map[string]any{
		"version": "0", "id": "00000000-0000-0000-0000-000000000000", "account": b.account, "region": b.region,
		"time": time.Unix(0, 0).UTC().Format(time.RFC3339), "resources": []string{}, "source": p.Source, "detail-type": p.Type,
		"detail": map[string]string{"event_id": p.ID, "event_type": p.Type},
	}
	if replay != "" {
		event["replay-name"] = replay
	}
	raw, err := json.Marshal(event)
	if err != nil {
		return false, err
	}
	got, err := b.bus.TestEventPattern(ctx, &eventbridge.TestEventPatternInput{Event: aws.String(string(raw)), EventPattern: aws.String(b.patterns[f])})
	if err != nil {
		return false, fmt.Errorf("test the pattern of the rule of %s: %w", f, err)
	}
	b.answers[question] = got.Result
	return got.Result, nil
}
