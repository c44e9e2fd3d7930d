// Package deadletter puts events that can never be handled into the function's own dead letter queue, reads the
// three shapes of message that such a queue holds, and gives their events back to the function.
package deadletter

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/the-alchemiser/alchemiser/internal/awsclient"
	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// The attributes of a message that the consumer has sent.
const (
	attributeEventID = "EVENT_ID"
	attributeReason  = "REASON"
)

// maxAttribute is the longest attribute that is sent, in bytes. The message with its attributes must fit into a queue
// that takes 256 KiB, and the event may have 200 KiB of them.
const maxAttribute = 4096

// Client is the part of the SQS client that this package calls.
type Client interface {
	SendMessage(ctx context.Context, in *sqs.SendMessageInput, opts ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

// Queue is a dead letter queue. It is safe for concurrent use.
type Queue struct {
	client Client
	url    string
}

var _ consumer.DeadLetters = (*Queue)(nil)

// New returns the queue at url.
func New(client Client, url string) (*Queue, error) {
	if client == nil || url == "" {
		return nil, errors.New("deadletter: client and queue URL are required")
	}
	return &Queue{client: client, url: url}, nil
}

// Send implements consumer.DeadLetters. The body is what arrived, so that it can be sent again as it is. Errors carry
// fault.Transient or fault.Internal: whoever fails to send an event must return the error, so that Lambda keeps it.
func (q *Queue) Send(ctx context.Context, d consumer.DeadLetter) error {
	_, err := q.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &q.url, MessageBody: aws.String(string(d.Raw)),
		MessageAttributes: map[string]types.MessageAttributeValue{
			attributeEventID: attribute(d.EventID), attributeReason: attribute(d.Reason),
		},
	})
	if err != nil {
		return fault.As(awsclient.Fault(err), fmt.Errorf("send to %s: %w", q.url, err))
	}
	return nil
}

// cut returns s, but not without end. A cut is visible.
func cut(s string) string {
	if len(s) > maxAttribute {
		return fmt.Sprintf("%s… (%d more bytes)", strings.ToValidUTF8(s[:maxAttribute], ""), len(s)-maxAttribute)
	}
	return s
}

// attribute returns s as SQS takes it: not too long, and of the characters that XML has.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
func attribute(s string) types.MessageAttributeValue {
	s = strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r <= 0xFFFD || r >= 0x10000 {
			return r
		}
		return '\uFFFD'
	}, cut(s))
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &s}
}
