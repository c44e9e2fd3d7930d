package deadletter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/the-alchemiser/alchemiser/internal/awsclient"
	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// Invoker is the part of the Lambda client that this package calls.
type Invoker interface {
	Invoke(ctx context.Context, in *lambda.InvokeInput, opts ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// Redriver gives dead letters back to the one function that failed: the other functions of the event's rule see nothing
// of it. It is safe for concurrent use.
type Redriver struct {
	claims   consumer.Claims
	invoker  Invoker
	function string
	target   string
}

// NewRedriver returns a Redriver for function, the name under which it claims events, such as "execution". target is
// what is invoked: its name or ARN with the alias, as "alchemiser-execution-dev:live".
func NewRedriver(claims consumer.Claims, invoker Invoker, function, target string) (*Redriver, error) {
	if claims == nil || invoker == nil || function == "" || target == "" {
		return nil, errors.New("deadletter: claims, invoker, function and target are required")
	}
	return &Redriver{claims: claims, invoker: invoker, function: function, target: target}, nil
}

// Redrive frees the claim of l's event from the delivery that has failed, opens it if the event is dead, and hands the
// event to the function's asynchronous queue, with its retries and its dead letter queue. Once it returns nil the message may be deleted. It is safe to repeat: whatever the
// function has done before is not done twice, and the guards without expiry (run, plan, order) hold as for any delivery.
// It returns a fault.Invalid error for what cannot be an event at all.
func (r *Redriver) Redrive(ctx context.Context, l Letter) error {
	if !jsontext.Value(l.Event).IsValid() {
		return fault.New(fault.Invalid, "redrive %s: what arrived is no JSON, no function can handle it: purge it", r.function)
	}
	if l.EventID != "" {
		// A delivery that was killed on its last attempt holds its claim until its time would have been up.
		dead := func(owner string) bool { return l.RequestID != "" && owner == l.RequestID }
		if err := consumer.Release(ctx, r.claims, r.key(l), time.Now(), dead); err != nil {
			return fmt.Errorf("redrive %s: %w", l.EventID, err)
		}
		if _, err := consumer.Reopen(ctx, r.claims, r.key(l), time.Now()); err != nil {
			return fmt.Errorf("redrive %s: %w", l.EventID, err)
		}
	}
	_, err := r.invoker.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: aws.String(r.target), InvocationType: types.InvocationTypeEvent, Payload: l.Event,
	})
	if err != nil {
		return fault.As(awsclient.Fault(err), fmt.Errorf("redrive %s: invoke %s: %w", l.EventID, r.target, err))
	}
	return nil
}

// key is that of the claim. An event that is no envelope was never claimed: its key is nobody's.
func (r *Redriver) key(l Letter) consumer.Key {
	envelope, err := bus.ParseEnvelope(l.Event)
	if err != nil {
		return consumer.KeyOf(r.function, l.EventID, bus.Delivery{})
	}
	return consumer.KeyOf(r.function, l.EventID, envelope.Delivery("", l.Event))
}
