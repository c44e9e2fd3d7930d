package localaws

import (
	"context"
	"errors"
	"slices"

	"github.com/the-alchemiser/alchemiser/internal/localaws/authz"
	"github.com/the-alchemiser/alchemiser/internal/localaws/cloudwatch"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb"
	"github.com/the-alchemiser/alchemiser/internal/localaws/events"
	"github.com/the-alchemiser/alchemiser/internal/localaws/iam"
	"github.com/the-alchemiser/alchemiser/internal/localaws/kms"
	"github.com/the-alchemiser/alchemiser/internal/localaws/lambda"
	"github.com/the-alchemiser/alchemiser/internal/localaws/logs"
	"github.com/the-alchemiser/alchemiser/internal/localaws/scheduler"
	"github.com/the-alchemiser/alchemiser/internal/localaws/sns"
	"github.com/the-alchemiser/alchemiser/internal/localaws/sqs"
	"github.com/the-alchemiser/alchemiser/internal/localaws/ssm"
	"github.com/the-alchemiser/alchemiser/internal/localaws/sts"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
	"github.com/the-alchemiser/alchemiser/internal/localaws/xray"
)

// services are all services of the endpoint.
type services struct {
	iam       *iam.Service
	sts       *sts.Service
	kms       *kms.Service
	ssm       *ssm.Service
	sns       *sns.Service
	sqs       *sqs.Service
	logs      *logs.Service
	dynamodb  *dynamodb.Service
	events    *events.Service
	scheduler *scheduler.Service
	lambda    *lambda.Service
	xray      *xray.Service
	metrics   *cloudwatch.Service
	access    *authz.Authorizer
}

// newServices sets the services up with what the store holds. They reach one another through a router only.
func newServices(s *Server, cfg Config) (v services, err error) {
	router := &router{receivers: map[string]delivery.Receiver{}}
	var errs [12]error
	v.metrics, errs[10] = cloudwatch.New(cloudwatch.Config{Store: s.store, Clock: s.clock, Sender: router})
	v.kms, errs[11] = kms.New(kms.Config{Store: s.store, Clock: s.clock})
	v.iam, errs[0] = iam.New(iam.Config{Store: s.store, Clock: s.clock})
	v.sts, errs[1] = sts.New(v.iam)
	v.ssm, errs[2] = ssm.New(ssm.Config{Store: s.store, Clock: s.clock})
	v.sns, errs[3] = sns.New(sns.Config{Store: s.store, Clock: s.clock, Sender: router, URL: s.URL, RetryScale: cfg.RetryScale})
	v.sqs, errs[4] = sqs.New(sqs.Config{Store: s.store, Clock: s.clock, URL: s.URL, Metrics: v.metrics})
	v.logs, errs[5] = logs.New(logs.Config{Store: s.store, Clock: s.clock, Metrics: v.metrics})
	v.dynamodb, errs[6] = dynamodb.New(dynamodb.Config{Store: s.store, Clock: s.clock, Metrics: v.metrics})
	v.events, errs[7] = events.New(events.Config{
		Store: s.store, Clock: s.clock, Sender: router, RetryScale: cfg.RetryScale, Faults: &s.faults, Metrics: v.metrics,
	})
	v.scheduler, errs[8] = scheduler.New(scheduler.Config{
		Store: s.store, Clock: s.clock, Sender: router, RetryScale: cfg.RetryScale, Metrics: v.metrics,
	})
	v.xray, errs[9] = xray.New(xray.Config{Store: s.store, Clock: s.clock, May: router.runtimeMay})
	if err := errors.Join(errs[:]...); err != nil {
		return v, err
	}
	if v.lambda, err = lambda.New(lambda.Config{
		Store: s.store, Clock: s.clock, Sender: router,
		Credentials: functionRoles{v.iam}, Logs: functionLogs{v.logs, router}, Tracer: v.xray, Queues: v.sqs, May: router.runtime,
		EndpointURL: s.URL, RetryScale: cfg.RetryScale, Faults: &s.faults, Metrics: v.metrics, Packages: cfg.packages(),
	}); err != nil {
		return v, err
	}
	v.access, err = authz.New(authz.Config{Mode: cfg.IAM, Roles: v.iam, Now: s.clock.Now, Resources: v.resourcePolicies()})
	router.access, router.encryption = v.access, v.encryption()
	router.receivers["sqs"] = v.sqs
	router.receivers["sns"] = v.sns
	router.receivers["logs"] = v.logs
	router.receivers["events"] = v.events
	router.receivers["lambda"] = v.lambda
	return v, err
}

// resourcePolicies are the services whose resources have policies, by the name in an ARN.
func (v services) resourcePolicies() map[string]authz.ResourcePolicy {
	return map[string]authz.ResourcePolicy{
		"iam": v.iam.TrustPolicy, "sqs": v.sqs.ResourcePolicy, "sns": v.sns.ResourcePolicy, "events": v.events.ResourcePolicy,
		"lambda": v.lambda.ResourcePolicy, "kms": v.kms.ResourcePolicy,
	}
}

// encryption knows the services whose resources can have a key that somebody beside them must be allowed to use.
func (v services) encryption() encryption {
	return encryption{keys: v.kms, keyOf: map[string]func(string) string{"sqs": v.sqs.EncryptionKey, "sns": v.sns.EncryptionKey}}
}

func (v services) apis() []wire.Service {
	return []wire.Service{
		v.iam.API(), v.sts.API(), v.kms.API(), v.ssm.API(), v.encryption().guard(v.sns.API()), v.encryption().guard(v.sqs.API()), v.logs.API(), v.dynamodb.API(),
		v.events.API(), v.scheduler.API(), v.lambda.API(), v.xray.API(), v.metrics.API(),
	}
}

// loops are what runs in the background, by the name of the service.
func (v services) loops() map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"sns": v.sns.Run, "sqs": v.sqs.Run, "logs": v.logs.Run, "dynamodb": v.dynamodb.Run, "events": v.events.Run,
		"scheduler": v.scheduler.Run, "lambda": v.lambda.Run, "xray": v.xray.Run, "cloudwatch": v.metrics.Run,
	}
}

// inventory returns the ARNs of everything that exists, sorted.
func (v services) inventory() ([]string, error) {
	arns := []string{}
	for _, list := range []func() ([]string, error){
		v.iam.Inventory, v.kms.Inventory, v.ssm.Inventory, v.sns.Inventory, v.sqs.Inventory, v.logs.Inventory, v.dynamodb.Inventory,
		v.events.Inventory, v.scheduler.Inventory, v.lambda.Inventory, v.xray.Inventory, v.metrics.Inventory,
	} {
		found, err := list()
		if err != nil {
			return nil, err
		}
		arns = append(arns, found...)
	}
	slices.Sort(arns)
	return arns, nil
}

// functionRoles gives functions the credentials of their roles.
type functionRoles struct{ iam *iam.Service }

func (f functionRoles) SessionFor(roleARN, sessionName string) (lambda.Session, error) {
	key, secret, token, err := f.iam.SessionFor(roleARN, sessionName)
	return lambda.Session{AccessKeyID: key, SecretAccessKey: secret, SessionToken: token}, err
}

// functionLogs keeps what functions print in CloudWatch Logs.
type functionLogs struct {
	logs   *logs.Service
	router *router
}

// Write implements lambda.Logs.
func (f functionLogs) Write(ctx context.Context, role, group, stream string, lines []lambda.Line) error {
	if !f.router.mayLog(role, group, stream) {
		return nil
	}
	events := make([]logs.Event, len(lines))
	for i, line := range lines {
		events[i] = logs.Event(line)
	}
	return f.logs.Write(ctx, group, stream, events)
}
