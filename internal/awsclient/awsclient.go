// Package awsclient loads the SDK's configuration and reads what the errors of all AWS services have in common.
//
// It makes no request: credentials, region and endpoint come from the environment, as Lambda and the SDK define it
// (AWS_REGION, AWS_ENDPOINT_URL and so on).
package awsclient

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// Load returns the configuration for all clients of the process.
func Load(ctx context.Context) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithLogger(Quiet()))
	if err != nil {
		return aws.Config{}, fmt.Errorf("load AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return aws.Config{}, errors.New("AWS_REGION is not set")
	}
	return cfg, nil
}

// Quiet returns the logger that clients get: none. What fails is returned as an error; what the SDK logs besides is that a
// connection could not be reused, which happens whenever a near server answers before the SDK has noticed that it has sent all
// of the request, and it would stand between our own lines.
func Quiet() logging.Logger { return logging.Nop{} }

// Fault returns what an error of an AWS client asks for: Transient for throttling, server errors, time-outs and broken
// connections, which the client has tried again already; Internal for requests that AWS refuses, as those are faults of
// the deployment or of ours and not of the event.
func Fault(err error) fault.Code {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fault.Transient
	}
	var refused smithy.APIError
	if !errors.As(err, &refused) {
		return fault.Transient // no answer came
	}
	if refused.ErrorFault() == smithy.FaultServer || slices.Contains(passing(), refused.ErrorCode()) {
		return fault.Transient
	}
	if retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary {
		return fault.Transient
	}
	return fault.Internal
}

// passing are the refusals that pass by themselves but that the SDK does not count as such: transactions in conflict, and
// SNS's own word for throttling.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
func passing() []string {
	return []string{"TransactionConflictException", "TransactionInProgressException", "ReplicatedWriteConflictException", "Throttled"}
}
