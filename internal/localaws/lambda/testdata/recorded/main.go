// Command recorded is the function of the recorded cases: it does what the functions did that they were recorded with, each of
// which is known by its handler, its name or what it is asked for.
package main

import (
	"context"
	"encoding/json"
	"fmt"
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
