// Command function is the Lambda function of the tests: the event says what it does.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do   string `json:"do"`
	File string `json:"file"`
}

// calls counts the invocations of this process: it tells a warm start from a cold one.
var calls int

func handle(ctx context.Context, in event) (any, error) {
	calls++
	lc, _ := lambdacontext.FromContext(ctx)
	switch in.Do {
	case "env":
		return os.Environ(), nil
	case "context":
		deadline, _ := ctx.Deadline()
		return map[string]any{
			"request": lc.AwsRequestID, "arn": lc.InvokedFunctionArn, "calls": calls, "pid": os.Getpid(),
			"left": time.Until(deadline) > 0, "trace": ctx.Value("x-amzn-trace-id"), "value": os.Getenv("VALUE"),
		}, nil
	case "print":
		fmt.Println("to stdout")
		fmt.Fprintln(os.Stderr, "to stderr")
		fmt.Print("without newline")
		return "printed", nil
	case "error":
		return nil, errors.New("this went wrong")
	case "panic":
		panic("this is beyond repair")
	case "exit":
		os.Exit(3)
	case "hang":
		fmt.Println("hanging")
		time.Sleep(time.Hour)
	case "wait": // until the test lets it go on
		for {
			if _, err := os.Stat(in.File); err == nil {
				return "waited", nil
			}
			time.Sleep(time.Millisecond)
		}
	case "large":
		return strings.Repeat("x", 7<<20), nil
	}
	return in.Do, nil
}

func main() {
	switch os.Getenv("INIT") {
	case "exit":
		os.Exit(1)
	case "hang":
		time.Sleep(time.Hour) // blocking for ever would be a deadlock that Go ends
	}
	lambda.Start(handle)
}
