package deadletter

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/go-json-experiment/json"

	"github.com/the-alchemiser/alchemiser/internal/awsclient"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// Failure is a delivery that failed on every attempt.
type Failure struct {
	RequestID string
	// Condition says why the attempts ended, in Lambda's words: "RetriesExhausted" or "EventAgeExceeded".
	Condition string
	Attempts  int
	// Message is the last attempt's error.
	Message string
	// Raw is what was to be handled.
	Raw []byte
}

// SendFailed puts f into the queue in the shape of Lambda's record, for a process that delivers events by itself: there is
// no Lambda to do it. It fails as Send does.
func (q *Queue) SendFailed(ctx context.Context, f Failure) error {
	r := record{Version: "1.0", RequestPayload: f.Raw}
	r.RequestContext = &requestContext{RequestID: f.RequestID, Condition: f.Condition, ApproximateInvokeCount: f.Attempts}
	r.ResponsePayload.ErrorMessage = cut(f.Message)
	body, err := json.Marshal(r)
	if err != nil {
		return fault.New(fault.Internal, "dead letter of request %s: %w", f.RequestID, err)
	}
	if _, err := q.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: aws.String(string(body))}); err != nil {
		return fault.As(awsclient.Fault(err), fmt.Errorf("send to %s: %w", q.url, err))
	}
	return nil
}
