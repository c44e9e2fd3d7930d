// Command floor is the least that a Lambda function in Go can be: the start-up benchmark measures the functions beside
// it.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(context.Context) error { return nil })
}
