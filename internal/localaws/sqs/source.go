package sqs

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
)

var _ delivery.Source = (*Service)(nil)

// maxReceived is how many messages one request receives or deletes.
const maxReceived = 10

// Visibility implements delivery.Source.
func (s *Service) Visibility(_ context.Context, queueARN string) (time.Duration, error) {
	q, err := s.byARN(queueARN)
	if err != nil {
		return 0, err
	}
	return q.snapshot().Attributes.seconds("VisibilityTimeout"), nil
}

// Take implements delivery.Source.
func (s *Service) Take(ctx context.Context, queueARN string, limit int, wait time.Duration) ([]delivery.Taken, error) {
	q, err := s.byARN(queueARN)
	if err != nil || ctx.Err() != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	limit = min(limit, maxReceived)
	seconds := int((wait + time.Second - 1) / time.Second)
	all := []string{"All"}
	out, err := s.receive(ctx, ReceiveInput{
		QueueUrl: s.url(q.snapshot().Name), MaxNumberOfMessages: &limit, WaitTimeSeconds: &seconds,
		MessageSystemAttributeNames: all, MessageAttributeNames: all,
	})
	if err != nil {
		return nil, err
	}
	taken := make([]delivery.Taken, len(out.Messages))
	for i, m := range out.Messages {
		taken[i] = delivery.Taken{
			ID: m.MessageID, Receipt: m.ReceiptHandle, Body: m.Body, Attributes: m.Attributes,
			MD5OfBody: m.MD5OfBody, MD5OfAttributes: m.MD5OfMessageAttributes, MessageAttributes: map[string]delivery.Attribute{},
		}
		for name, a := range m.MessageAttributes {
			taken[i].MessageAttributes[name] = delivery.Attribute{DataType: a.DataType, String: a.StringValue, Binary: a.BinaryValue}
		}
	}
	return taken, nil
}

// Settle implements delivery.Source.
func (s *Service) Settle(ctx context.Context, queueARN string, receipts []string) error {
	a, _ := arn.Parse(queueARN)
	for part := range slices.Chunk(receipts, maxReceived) {
		in := ReceiptBatchInput{QueueUrl: s.url(a.Resource)}
		for i, receipt := range part {
			in.Entries = append(in.Entries, ReceiptInput{ID: strconv.Itoa(i), ReceiptHandle: receipt})
		}
		if _, err := s.deleteBatch(ctx, in); err != nil {
			return err
		}
	}
	return nil
}
