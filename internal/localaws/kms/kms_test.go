package kms_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/the-alchemiser/alchemiser/internal/localaws"
)

// account is the endpoint with clients for it.
type account struct {
	kms    *kms.Client
	sqs    *sqs.Client
	events *eventbridge.Client
}

func newAccount(t *testing.T) account {
	t.Helper()
	server, err := localaws.New(localaws.Config{Log: t.Output(), RetryScale: 0.001})
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		must(t, <-served)
	})
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(server.URL()), Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	return account{kms: kms.NewFromConfig(cfg), sqs: sqs.NewFromConfig(cfg), events: eventbridge.NewFromConfig(cfg)}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (a account) key(t *testing.T, policy *string) string {
	t.Helper()
	made, err := a.kms.CreateKey(t.Context(), &kms.CreateKeyInput{Description: aws.String("of a test"), Policy: policy})
	must(t, err)
	return *made.KeyMetadata.Arn
}

// code returns the code of an AWS error.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func TestTheLifeOfAKey(t *testing.T) {
	t.Parallel()
	a, ctx := newAccount(t), t.Context()
	arn := a.key(t, nil)
	alias := aws.String("alias/mine")
	_, err := a.kms.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: alias, TargetKeyId: &arn})
	must(t, err)
	if _, err := a.kms.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: alias, TargetKeyId: &arn}); code(err) != "AlreadyExistsException" {
		t.Errorf("the alias again = %v, want AlreadyExistsException", err)
	}
	if _, err := a.kms.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String("mine"), TargetKeyId: &arn}); code(err) != "InvalidAliasNameException" {
		t.Errorf("an alias without its prefix = %v, want InvalidAliasNameException", err)
	}
	for _, name := range []string{arn, arn[strings.LastIndex(arn, "/")+1:], *alias, strings.Replace(arn, arn[strings.Index(arn, "key/"):], *alias, 1)} {
		got, err := a.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &name})
		must(t, err)
		if m := got.KeyMetadata; *m.Arn != arn || m.KeyState != types.KeyStateEnabled || !m.Enabled || m.KeySpec != types.KeySpecSymmetricDefault || *m.Description != "of a test" {
			t.Errorf("%s is %+v", name, m)
		}
	}
	_, err = a.kms.EnableKeyRotation(ctx, &kms.EnableKeyRotationInput{KeyId: &arn, RotationPeriodInDays: aws.Int32(90)})
	must(t, err)
	rotation, err := a.kms.GetKeyRotationStatus(ctx, &kms.GetKeyRotationStatusInput{KeyId: &arn})
	must(t, err)
	if !rotation.KeyRotationEnabled || *rotation.RotationPeriodInDays != 90 {
		t.Errorf("rotation is %+v, want every 90 days", rotation)
	}
	_, err = a.kms.TagResource(ctx, &kms.TagResourceInput{KeyId: &arn, Tags: []types.Tag{{TagKey: aws.String("Stage"), TagValue: aws.String("dev")}}})
	must(t, err)
	tags, err := a.kms.ListResourceTags(ctx, &kms.ListResourceTagsInput{KeyId: &arn})
	must(t, err)
	if len(tags.Tags) != 1 || *tags.Tags[0].TagValue != "dev" {
		t.Errorf("tags are %+v", tags.Tags)
	}
	gone, err := a.kms.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &arn, PendingWindowInDays: aws.Int32(7)})
	must(t, err)
	if gone.KeyState != types.KeyStatePendingDeletion {
		t.Errorf("the key is %s, want PendingDeletion", gone.KeyState)
	}
	if _, err := a.kms.EnableKey(ctx, &kms.EnableKeyInput{KeyId: &arn}); code(err) != "KMSInvalidStateException" {
		t.Errorf("EnableKey of a key that is to be deleted = %v, want KMSInvalidStateException", err)
	}
}

func TestWhatIsNoKeyIsRefused(t *testing.T) {
	t.Parallel()
	a, ctx := newAccount(t), t.Context()
	if _, err := a.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("nobody")}); code(err) != "NotFoundException" {
		t.Errorf("DescribeKey = %v, want NotFoundException", err)
	}
	if _, err := a.kms.CreateKey(ctx, &kms.CreateKeyInput{Policy: aws.String(`{"Statement":"x"}`)}); code(err) != "MalformedPolicyDocumentException" {
		t.Errorf("CreateKey with half a policy = %v, want MalformedPolicyDocumentException", err)
	}
	if _, err := a.kms.CreateKey(ctx, &kms.CreateKeyInput{KeySpec: types.KeySpecRsa2048, KeyUsage: types.KeyUsageTypeSignVerify}); code(err) != "UnsupportedOperationException" {
		t.Errorf("CreateKey for signatures = %v, want that it says no", err)
	}
}

// policyFor lets the account administer a key, and a service use it from the account.
func policyFor(t *testing.T, service string) *string {
	t.Helper()
	statements := []map[string]any{{
		"Effect": "Allow", "Principal": map[string]string{"AWS": "arn:aws:iam::000000000000:root"}, "Action": "kms:*", "Resource": "*",
	}}
	if service != "" {
		statements = append(statements, map[string]any{
			"Effect": "Allow", "Principal": map[string]string{"Service": service}, "Action": []string{"kms:Decrypt", "kms:GenerateDataKey"}, "Resource": "*",
		})
	}
	raw, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	must(t, err)
	return aws.String(string(raw))
}

// An encrypted queue takes EventBridge's events only if the key lets EventBridge use it: the commonest mistake with keys.
func TestADeliveryNeedsTheKeyAsWell(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		service string
		arrives bool
	}{
		"the key names EventBridge":   {service: "events.amazonaws.com", arrives: true},
		"the key names another":       {service: "sns.amazonaws.com"},
		"the key names the root only": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, ctx := newAccount(t), t.Context()
			key := a.key(t, policyFor(t, tt.service))
			open := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}]}`
			target, err := a.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("target"), Attributes: map[string]string{"KmsMasterKeyId": key, "Policy": open}})
			must(t, err)
			letters, err := a.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("letters"), Attributes: map[string]string{"Policy": open}})
			must(t, err)
			_, err = a.events.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("all"), EventPattern: aws.String(`{"source":["here"]}`)})
			must(t, err)
			_, err = a.events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("all"), Targets: []eventtypes.Target{{
				Id: aws.String("queue"), Arn: aws.String("arn:aws:sqs:us-east-1:000000000000:target"),
				DeadLetterConfig: &eventtypes.DeadLetterConfig{Arn: aws.String("arn:aws:sqs:us-east-1:000000000000:letters")},
			}}})
			must(t, err)
			_, err = a.events.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []eventtypes.PutEventsRequestEntry{{
				Source: aws.String("here"), DetailType: aws.String("x"), Detail: aws.String(`{}`),
			}}})
			must(t, err)
			queue := letters.QueueUrl
			if tt.arrives {
				queue = target.QueueUrl
			}
			got, err := a.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue, WaitTimeSeconds: 20, MessageAttributeNames: []string{"All"}})
			must(t, err)
			if len(got.Messages) != 1 {
				t.Fatalf("%s has %d messages, want 1", *queue, len(got.Messages))
			}
			if reason := got.Messages[0].MessageAttributes["ERROR_CODE"]; !tt.arrives && (reason.StringValue == nil || *reason.StringValue != "NO_PERMISSIONS") {
				t.Errorf("the dead letter says %+v, want NO_PERMISSIONS", got.Messages[0].MessageAttributes)
			}
		})
	}
}

func TestADisabledKeySaysSo(t *testing.T) {
	t.Parallel()
	a, ctx := newAccount(t), t.Context()
	key := a.key(t, policyFor(t, "events.amazonaws.com"))
	must(t, func() error { _, err := a.kms.DisableKey(ctx, &kms.DisableKeyInput{KeyId: &key}); return err }())
	got, err := a.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &key})
	must(t, err)
	if got.KeyMetadata.KeyState != types.KeyStateDisabled {
		t.Errorf("the key is %s, want Disabled", got.KeyMetadata.KeyState)
	}
}
