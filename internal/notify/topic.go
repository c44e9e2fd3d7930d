// Package notify tells people by SNS. It decides neither what is worth telling nor what it says.
package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/the-alchemiser/alchemiser/internal/awsclient"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// maxSubject is SNS's limit for a subject, in characters.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const maxSubject = 100

// Client is the part of the SNS client that this package calls.
type Client interface {
	Publish(ctx context.Context, in *sns.PublishInput, opts ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// Topic is an SNS topic with people's addresses. It is safe for concurrent use.
type Topic struct {
	client Client
	arn    string
}

var _ monitor.Notifier = (*Topic)(nil)

// New returns the topic arn.
func New(client Client, arn string) (*Topic, error) {
	if client == nil || arn == "" {
		return nil, errors.New("notify: client and topic ARN are required")
	}
	return &Topic{client: client, arn: arn}, nil
}

// Notify implements monitor.Notifier. A subject that SNS would refuse is a fault.Invalid error.
func (t *Topic) Notify(ctx context.Context, subject, body string) error {
	if len(subject) == 0 || len(subject) > maxSubject || strings.ContainsFunc(subject, func(r rune) bool { return r < ' ' || r > '~' }) {
		return fault.New(fault.Invalid, "notify: subject %q: want 1 to %d printable characters of ASCII", subject, maxSubject)
	}
	_, err := t.client.Publish(ctx, &sns.PublishInput{TopicArn: &t.arn, Subject: &subject, Message: &body})
	if err != nil {
		return fault.As(awsclient.Fault(err), fmt.Errorf("publish to %s: %w", t.arn, err))
	}
	return nil
}
