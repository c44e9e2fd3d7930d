package sqs_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
)

// A queue that nobody receives from takes messages up to a limit. Then whoever sends is told to try again later, and succeeds
// once there is room.
func TestAFullQueuePushesBack(t *testing.T) {
	e := serveLimited(t, memory(t), 3)
	queue := e.create(t, "q", nil)
	for range 3 {
		e.send(t, queue, "m")
	}
	send := func() error {
		_, err := e.SendMessage(t.Context(), &client.SendMessageInput{QueueUrl: queue, MessageBody: aws.String("m")})
		return err
	}
	refused(t, send(), "RequestThrottled", "The request was denied due to request throttling.")
	err := e.service.Receive(t.Context(), "arn:aws:sqs:us-east-1:000000000000:q", delivery.Message{Body: []byte("m"), RoleARN: "arn:aws:iam::000000000000:role/r"})
	var told *delivery.Error
	if !errors.As(err, &told) || told.Code != "THROTTLING" || !told.Retryable {
		t.Errorf("another service is told %v, want to try again", err)
	}
	got := e.receive(t, queue)
	if _, err := e.DeleteMessage(t.Context(), &client.DeleteMessageInput{QueueUrl: queue, ReceiptHandle: got[0].ReceiptHandle}); err != nil {
		t.Fatal(err)
	}
	if err := send(); err != nil {
		t.Errorf("with room again: %v", err)
	}
}
