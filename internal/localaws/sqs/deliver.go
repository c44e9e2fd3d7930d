package sqs

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Receive puts a message that another service delivers into the queue arn, with its attributes and with
// m.TraceHeader as AWSTraceHeader. It returns an *delivery.Error if the queue does not exist, does not let the sender
// in or does not take the message.
func (s *Service) Receive(_ context.Context, arn string, m delivery.Message) error {
	q, err := s.byARN(arn)
	if err != nil {
		return delivery.Errorf("NO_RESOURCE", "The specified queue does not exist: %s", arn)
	}
	// A role that the sender assumes has been judged already.
	if m.RoleARN == "" && !q.lets(m.Principal, m.SourceARN, m.SourceAccount) {
		return delivery.Errorf("NO_PERMISSIONS", "The policy of queue %s does not allow %s to send messages for %s.",
			arn, m.Principal, m.SourceARN)
	}
	now := s.now()
	msg := message{
		ID: uuid.NewString(), Body: string(m.Body), Sender: m.Principal, Trace: m.TraceHeader,
		Sent: now, Due: now + q.snapshot().Attributes.seconds("DelaySeconds").Milliseconds(),
	}
	for dataType, values := range map[string]map[string]string{"String": m.Attributes, "Number": m.Numbers} {
		for name, value := range values {
			if msg.Attributes == nil {
				msg.Attributes = map[string]MessageAttribute{}
			}
			msg.Attributes[name] = MessageAttribute{DataType: dataType, StringValue: &value}
		}
	}
	if err := msg.validate(); err != nil {
		return delivery.Errorf("SDK_CLIENT_ERROR", "%s", err)
	}
	if limit := q.snapshot().Attributes.number("MaximumMessageSize"); msg.size() > limit {
		return delivery.Errorf("SDK_CLIENT_ERROR",
			"One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", limit)
	}
	// Who delivers has the message in the same store until it is told: nothing is lost if the disk has not seen this yet.
	err = s.enqueueWith(s.cfg.Store.UpdateUnsynced, q, msg)
	var full *wire.Error
	if errors.As(err, &full) {
		return &delivery.Error{Code: "THROTTLING", Message: full.Message, Retryable: true}
	}
	return err
}
