// Command traced is the Lambda function of the tests that traces what it does. It is one of its own since the SDK is large.
package main

import (
	"context"
	"errors"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-xray-sdk-go/v2/xray"
)

type event struct {
	Do string `json:"do"`
}

func handle(ctx context.Context, in event) (string, error) {
	if in.Do == "error" {
		return "", errors.New("this went wrong")
	}
	ctx, seg := xray.BeginSubsegment(ctx, "work")
	err := xray.AddAnnotation(ctx, "correlation_id", "run-1")
	seg.Close(nil)
	return "traced", err
}

func main() { lambda.Start(handle) }
