// Command forward is the Lambda function of the bus's conformance suite: it hands each invocation to the test that
// deployed it and ends as the test says.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type forward struct{ url string }

func (f forward) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	invocation, ok := lambdacontext.FromContext(ctx)
	if !ok {
		return nil, errors.New("no invocation in the context")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url, bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Request-Id", invocation.AwsRequestID)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s", body)
	}
	return body, nil
}

func main() { lambda.Start(forward{url: os.Getenv("FORWARD_URL")}) }
