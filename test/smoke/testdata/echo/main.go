// Command echo is a Lambda function that answers with its event, or fails if the event asks for it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(_ context.Context, event json.RawMessage) (json.RawMessage, error) {
		fmt.Println("got", string(event))
		var asks struct{ Fail string }
		if json.Unmarshal(event, &asks) == nil && asks.Fail != "" {
			return nil, errors.New(asks.Fail)
		}
		return event, nil
	})
}
