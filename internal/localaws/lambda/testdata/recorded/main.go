// Command recorded is the function of the recorded cases: it does what the functions did that they were recorded with, each of
// which is known by its handler, its name or what it is asked for.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event map[string]any

func handle(_ context.Context, in event) (any, error) {
	if err := show(in); err != nil {
		return nil, err
	}
	if records, ok := in["Records"].([]any); ok {
		return nil, forward(in, records)
	}
	handler := os.Getenv("_HANDLER")
	switch {
	case handler == "lambda_handler_exit.handler":
		os.Exit(0)
	case handler == "lambda_handler_error.handler":
		return nil, exception("Handler fails")
	case in["raise_error"] != nil:
		return nil, exception("Test exception (this is intentional)")
	case strings.HasPrefix(os.Getenv("AWS_LAMBDA_FUNCTION_NAME"), "retry-fn"):
		return nil, exception("intentional failure")
	}
	if n, ok := in["bytenum"].(float64); ok {
		return strings.Repeat("a", int(n)), nil
	}
	return in, nil
}

// forward sends a batch on, to the queue that the environment or the first message names.
func forward(in event, records []any) error {
	if queue := os.Getenv("SQS_QUEUE_URL"); queue != "" {
		return send(queue, records)
	}
	first, _ := records[0].(map[string]any)
	text, _ := first["body"].(string)
	var asks struct{ Destination string }
	if json.Unmarshal([]byte(text), &asks) != nil || asks.Destination == "" {
		return nil
	}
	return send(asks.Destination, map[string]any{"event": in})
}

// send sends a message to a queue, without the client of the SDK, which is large.
func send(queue string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	in, err := json.Marshal(map[string]string{"QueueUrl": queue, "MessageBody": string(body)})
	if err != nil {
		return err
	}
	r, err := http.NewRequest(http.MethodPost, os.Getenv("AWS_ENDPOINT_URL"), bytes.NewReader(in))
	if err != nil {
		return err
	}
	r.Header.Set("X-Amz-Target", "AmazonSQS.SendMessage")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=x")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("send a message: status %d", answer.StatusCode)
	}
	return nil
}

// show prints the event, with what the function is if it has a variable of its own.
func show(in event) error {
	var seen any = in
	if v, ok := os.LookupEnv("CUSTOM_VAR"); ok {
		seen = map[string]any{"function_version": lambdacontext.FunctionVersion, "CUSTOM_VAR": v, "event": in}
	}
	raw, err := json.Marshal(seen)
	fmt.Printf("event %s\n", raw)
	return err
}

// exception returns an error as Python has it.
func exception(message string) error {
	return messages.InvokeResponse_Error{Message: message, Type: "Exception"}
}

func main() {
	if os.Getenv("_HANDLER") == "lambda_runtime_exit.handler" {
		os.Exit(0)
	}
	lambda.Start(handle)
}
