package localaws_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eb "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	sched "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/the-alchemiser/alchemiser/internal/localaws"
	"github.com/the-alchemiser/alchemiser/internal/localaws/authz"
)

const (
	accountARN = "000000000000"
	callerRole = "arn:aws:iam::000000000000:role/caller"
)

// enforced is an endpoint that enforces IAM and a role without permissions.
type enforced struct {
	url            string
	operator, role aws.Config
}

func newEnforced(t *testing.T) *enforced {
	t.Helper()
	running := start(t, localaws.Config{IAM: authz.Enforce})
	e := &enforced{url: running.url, operator: running.cfg}
	_, err := iam.NewFromConfig(e.operator).CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("caller"),
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole",
			"Principal":{"AWS":"arn:aws:iam::000000000000:root"}}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := sts.NewFromConfig(e.operator).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String(callerRole), RoleSessionName: aws.String("me"),
	})
	if err != nil {
		t.Fatal(err)
	}
	c := out.Credentials
	e.role = e.config(credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken))
	return e
}

func (e *enforced) config(provider aws.CredentialsProvider) aws.Config {
	return aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(e.url), Credentials: provider, RetryMaxAttempts: 1}
}

// allow gives the role one statement.
func (e *enforced) allow(t *testing.T, action, resource string) {
	t.Helper()
	document, err := json.Marshal(map[string]any{
		"Version": "2012-10-17", "Statement": map[string]any{"Effect": "Allow", "Action": action, "Resource": resource},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = iam.NewFromConfig(e.operator).PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
		RoleName: aws.String("caller"), PolicyName: aws.String("p"), PolicyDocument: aws.String(string(document)),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Each call is refused without a permission, names the one that it needs, and is let through with exactly that.
func TestACallNeedsItsPermission(t *testing.T) {
	e := newEnforced(t)
	key := map[string]ddb.AttributeValue{"pk": &ddb.AttributeValueMemberS{Value: "a"}}
	queue := aws.String(e.url + "/" + accountARN + "/q")
	table := aws.String("tab")
	tests := []struct {
		call             func(ctx context.Context, cfg aws.Config) error
		action, resource string
	}{
		{func(ctx context.Context, cfg aws.Config) error {
			_, err := sqs.NewFromConfig(cfg).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: queue, MessageBody: aws.String("x")})
			return err
		}, "sqs:sendmessage", "sqs:us-east-1:000000000000:q"},
		{func(ctx context.Context, cfg aws.Config) error {
			_, err := sqs.NewFromConfig(cfg).SendMessageBatch(ctx, &sqs.SendMessageBatchInput{
				QueueUrl: queue, Entries: []sqstypes.SendMessageBatchRequestEntry{{Id: aws.String("1"), MessageBody: aws.String("x")}},
			})
			return err
		}, "sqs:sendmessage", "sqs:us-east-1:000000000000:q"},
		{func(ctx context.Context, cfg aws.Config) error {
			_, err := sqs.NewFromConfig(cfg).GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("q")})
			return err
		}, "sqs:getqueueurl", "sqs:us-east-1:000000000000:q"},
		{func(ctx context.Context, cfg aws.Config) error {
			_, err := sns.NewFromConfig(cfg).Publish(ctx, &sns.PublishInput{TopicArn: aws.String("arn:aws:sns:us-east-1:000000000000:n"), Message: aws.String("x")})
			return err
		}, "SNS:Publish", "sns:us-east-1:000000000000:n"},
		{func(ctx context.Context, cfg aws.Config) error {
			_, err := dynamodb.NewFromConfig(cfg).GetItem(ctx, &dynamodb.GetItemInput{TableName: table, Key: key})
			return err
		}, "dynamodb:GetItem", "dynamodb:us-east-1:000000000000:table/tab"},
		{func(ctx context.Context, cfg aws.Config) error {
			_, err := dynamodb.NewFromConfig(cfg).TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
				TransactItems: []ddb.TransactWriteItem{{Delete: &ddb.Delete{TableName: table, Key: key}}},
			})
			return err
		}, "dynamodb:DeleteItem", "dynamodb:us-east-1:000000000000:table/tab"},
		{func(ctx context.Context, cfg aws.Config) error {
			_, err := dynamodb.NewFromConfig(cfg).TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
				TransactItems: []ddb.TransactWriteItem{{ConditionCheck: &ddb.ConditionCheck{TableName: table, Key: key, ConditionExpression: aws.String("attribute_not_exists(pk)")}}},
			})
			return err
		}, "dynamodb:ConditionCheckItem", "dynamodb:us-east-1:000000000000:table/tab"},
		{func(ctx context.Context, cfg aws.Config) error {
			_, err := dynamodb.NewFromConfig(cfg).BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
				RequestItems: map[string]ddb.KeysAndAttributes{"tab": {Keys: []map[string]ddb.AttributeValue{key}}},
			})
			return err
		}, "dynamodb:BatchGetItem", "dynamodb:us-east-1:000000000000:table/tab"},
		{func(ctx context.Context, cfg aws.Config) error {
			_, err := eventbridge.NewFromConfig(cfg).PutEvents(ctx, &eventbridge.PutEventsInput{
				Entries: []eb.PutEventsRequestEntry{{Source: aws.String("s"), DetailType: aws.String("d"), Detail: aws.String("{}")}},
			})
			return err
		}, "events:PutEvents", "events:us-east-1:000000000000:event-bus/default"},
		{func(ctx context.Context, cfg aws.Config) error {
			_, err := eventbridge.NewFromConfig(cfg).PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("r"), EventPattern: aws.String(`{"source":["s"]}`)})
			return err
		}, "events:PutRule", "events:us-east-1:000000000000:rule/r"},
		{func(ctx context.Context, cfg aws.Config) error {
			_, err := ssm.NewFromConfig(cfg).GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/p")})
			return err
		}, "ssm:GetParameter", "ssm:us-east-1:000000000000:parameter/p"},
		{func(ctx context.Context, cfg aws.Config) error {
			_, err := lambda.NewFromConfig(cfg).Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("f"), Qualifier: aws.String("live")})
			if err != nil && strings.Contains(err.Error(), "ResourceNotFound") {
				return nil // there is no function, but that was for the caller to know
			}
			return err
		}, "lambda:InvokeFunction", "lambda:us-east-1:000000000000:function:f:live"},
		{func(ctx context.Context, cfg aws.Config) error {
			_, err := iam.NewFromConfig(cfg).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("caller")})
			return err
		}, "iam:GetRole", callerRole},
	}
	if _, err := sqs.NewFromConfig(e.operator).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q")}); err != nil {
		t.Fatal(err)
	}
	if _, err := sns.NewFromConfig(e.operator).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("n")}); err != nil {
		t.Fatal(err)
	}
	if _, err := ssm.NewFromConfig(e.operator).PutParameter(t.Context(), &ssm.PutParameterInput{Name: aws.String("/p"), Value: aws.String("v"), Type: "String"}); err != nil {
		t.Fatal(err)
	}
	_, err := dynamodb.NewFromConfig(e.operator).CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: table, BillingMode: ddb.BillingModePayPerRequest,
		AttributeDefinitions: []ddb.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}},
		KeySchema:            []ddb.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: "HASH"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		resource := tt.resource
		if !strings.HasPrefix(resource, "arn:") {
			resource = "arn:aws:" + resource
		}
		t.Run(tt.action+" on "+tt.resource, func(t *testing.T) {
			e.allow(t, "none:None", "*")
			err := tt.call(t.Context(), e.role)
			if want := fmt.Sprintf("is not authorized to perform: %s on resource: %s", tt.action, resource); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("without a permission: %v; want %s", err, want)
			}
			e.allow(t, tt.action, resource+"x")
			if err := tt.call(t.Context(), e.role); err == nil {
				t.Error("allowed by a permission for something else")
			}
			e.allow(t, tt.action, resource)
			if err := tt.call(t.Context(), e.role); err != nil {
				t.Errorf("with its permission: %v", err)
			}
			if err := tt.call(t.Context(), e.operator); err != nil {
				t.Errorf("the operator: %v", err)
			}
		})
	}
}

func TestAForgedSignatureIsRefused(t *testing.T) {
	e := newEnforced(t)
	forged := e.config(credentials.NewStaticCredentialsProvider("test", "guessed", ""))
	_, err := sqs.NewFromConfig(forged).ListQueues(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "InvalidSignatureException") {
		t.Errorf("a wrong secret: %v", err)
	}
}

func TestWhoMakesAScheduleHandsItsRoleOver(t *testing.T) {
	e := newEnforced(t)
	e.allow(t, "scheduler:*", "*")
	_, err := scheduler.NewFromConfig(e.role).CreateSchedule(t.Context(), &scheduler.CreateScheduleInput{
		Name: aws.String("s"), ScheduleExpression: aws.String("rate(1 hour)"), FlexibleTimeWindow: &sched.FlexibleTimeWindow{Mode: "OFF"},
		Target: &sched.Target{Arn: aws.String("arn:aws:sqs:us-east-1:000000000000:q"), RoleArn: aws.String(callerRole)},
	})
	if err == nil || !strings.Contains(err.Error(), "iam:PassRole on resource: "+callerRole) {
		t.Errorf("without iam:PassRole: %v", err)
	}
}
