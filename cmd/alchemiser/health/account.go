package health

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/the-alchemiser/alchemiser/internal/naming"
)

// How far this machine's clock may be from AWS's. Beyond five minutes AWS refuses signatures:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
const (
	skewNoticed = 30 * time.Second
	skewLimit   = 4 * time.Minute
)

// clock compares this machine's clock with the Date of an answer.
func (p *patient) clock(ctx context.Context) ([]Problem, error) {
	got, err := sts.NewFromConfig(p.cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, err
	}
	theirs, ok := awsmiddleware.GetServerTime(got.ResultMetadata)
	if !ok {
		return nil, errors.New("the answer has no date")
	}
	skew := p.now().Sub(theirs).Abs().Round(time.Second)
	switch fix := "let this machine follow a time server"; {
	case skew > skewLimit:
		return []Problem{wrong(fix, "this machine's clock is %s from AWS's: signatures are about to be refused", skew)}, nil
	case skew > skewNoticed:
		return []Problem{warning(fix, "this machine's clock is %s from AWS's", skew)}, nil
	}
	return nil, nil
}

func (p *patient) table(ctx context.Context) ([]Problem, error) {
	client, name := dynamodb.NewFromConfig(p.cfg), p.stage.Table()
	ttl, err := client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &name})
	var none *types.ResourceNotFoundException
	if errors.As(err, &none) {
		return []Problem{wrong(apply, "%s is not there", name)}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read table %s: %w", name, err)
	}
	var problems []Problem
	if d := ttl.TimeToLiveDescription; d == nil || aws.ToString(d.AttributeName) != "ttl" || d.TimeToLiveStatus != types.TimeToLiveStatusEnabled {
		problems = append(problems, wrong(apply, "%s has no time to live: claims are kept for ever", name))
	}
	backups, err := client.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &name})
	if err != nil {
		return problems, fmt.Errorf("read the backups of %s: %w", name, err)
	}
	if d := backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription; d == nil || d.PointInTimeRecoveryStatus != types.PointInTimeRecoveryStatusEnabled {
		problems = append(problems, warning(apply, "%s has no point-in-time recovery: a ledger that is lost stays lost", name))
	}
	return problems, nil
}

// brokerKeys looks whether there are keys, and how they are kept. It does not read them.
func (p *patient) brokerKeys(ctx context.Context) ([]Problem, error) {
	name := p.stage.BrokerKeys()
	got, err := ssm.NewFromConfig(p.cfg).DescribeParameters(ctx, &ssm.DescribeParametersInput{ParameterFilters: []ssmtypes.ParameterStringFilter{
		{Key: aws.String("Name"), Option: aws.String("Equals"), Values: []string{name}},
	}})
	switch {
	case err != nil:
		return nil, fmt.Errorf("look for parameter %s: %w", name, err)
	case len(got.Parameters) == 0:
		fix := fmt.Sprintf(`aws ssm put-parameter --type SecureString --name %s --value '{"key_id":"…","secret_key":"…"}'`, name)
		return []Problem{wrong(fix, "%s is not there: no function can talk to the broker", name)}, nil
	case got.Parameters[0].Type != ssmtypes.ParameterTypeSecureString:
		return []Problem{wrong("put it again with --type SecureString --overwrite", "%s is a %s: the keys are readable in the console", name, got.Parameters[0].Type)}, nil
	}
	return nil, nil
}

func (p *patient) tradingSwitch(ctx context.Context) ([]Problem, error) {
	var s Status
	if err := p.trading(ctx, &s); err != nil {
		return []Problem{wrong("`alchemiser trading on` or `off`", "execution places no order: %v", err)}, nil
	}
	if s.Trading == "off" {
		return []Problem{warning("`alchemiser trading on`", "trading is off: no order goes out")}, nil
	}
	return nil, nil
}

// alarmActions finds alarms that are not there or tell nobody.
func (p *patient) alarmActions(ctx context.Context) ([]Problem, error) {
	all, err := p.stageAlarms(ctx)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return []Problem{warning("set observability=true", "there are no alarms: nobody hears of a failure but by the digest")}, nil
	}
	var problems []Problem
	there := map[string]bool{}
	for _, a := range all {
		name := strings.TrimPrefix(aws.ToString(a.AlarmName), p.stage.AlarmPrefix())
		there[name] = true
		if !aws.ToBool(a.ActionsEnabled) || len(a.AlarmActions) == 0 {
			problems = append(problems, wrong("`aws cloudwatch enable-alarm-actions --alarm-names "+aws.ToString(a.AlarmName)+"`, or "+apply, "%s tells nobody", aws.ToString(a.AlarmName)))
		}
	}
	for _, name := range p.alarmNames() {
		if !there[name] {
			problems = append(problems, wrong(apply, "%s%s is not there", p.stage.AlarmPrefix(), name))
		}
	}
	return problems, nil
}

// alarmNames returns the alarms that every watched stage has: the dead man's switch only where runs are scheduled.
func (p *patient) alarmNames() []string {
	names := []string{"workflow-failed", "workflow-stalled", "event-dead-letters"}
	for _, f := range naming.Functions() {
		for _, about := range []string{"dead-letters", "undelivered", "destination-failures", "dropped-events", "errors", "throttles", "slow"} {
			names = append(names, string(f)+"-"+about)
		}
	}
	return names
}

// subscriptions finds topics from which nobody hears anything.
func (p *patient) subscriptions(ctx context.Context) ([]Problem, error) {
	client := sns.NewFromConfig(p.cfg)
	var all []Problem
	for _, topic := range []string{p.stage.DigestTopic(), p.stage.AlarmsTopic()} {
		var subscribed []snstypes.Subscription
		pages := sns.NewListSubscriptionsByTopicPaginator(client, &sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(p.arn("sns", topic))})
		var none *snstypes.NotFoundException
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if errors.As(err, &none) {
				break
			}
			if err != nil {
				return all, fmt.Errorf("read the subscriptions of %s: %w", topic, err)
			}
			subscribed = append(subscribed, page.Subscriptions...)
		}
		pending := func(s snstypes.Subscription) bool { return aws.ToString(s.SubscriptionArn) == "PendingConfirmation" }
		switch {
		case none != nil && topic == p.stage.AlarmsTopic(): // the check of the alarms says so
		case none != nil:
			all = append(all, wrong(apply, "topic %s is not there", topic))
		case len(subscribed) == 0:
			all = append(all, warning("set notification_email", "nobody is subscribed to %s", topic))
		case !slices.ContainsFunc(subscribed, func(s snstypes.Subscription) bool { return !pending(s) }):
			all = append(all, wrong("let the owner of the address follow the link in AWS's mail", "nobody is told by %s: %s has not confirmed", topic, aws.ToString(subscribed[0].Endpoint)))
		}
	}
	return all, nil
}
