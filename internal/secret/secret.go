// Package secret reads what an operator keeps in SSM parameters: the broker's keys and the kill switch. Nothing is read
// before it is needed, and no value ever stands in an error or a log line.
package secret

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/the-alchemiser/alchemiser/internal/awsclient"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// Client is the part of the SSM client that this package calls.
type Client interface {
	GetParameter(ctx context.Context, in *ssm.GetParameterInput, opts ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
}

// read returns the value of a parameter. A parameter that does not exist is a fault.Internal error that says how to
// create it.
func read(ctx context.Context, client Client, name, create string) (string, error) {
	out, err := client.GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
	var missing *types.ParameterNotFound
	switch {
	case errors.As(err, &missing):
		return "", fault.New(fault.Internal, "SSM parameter %s does not exist: create it with `aws ssm put-parameter --name %s %s`", name, name, create)
	case err != nil:
		return "", fault.As(awsclient.Fault(err), fmt.Errorf("read SSM parameter %s: %w", name, err))
	case out.Parameter == nil || out.Parameter.Value == nil:
		return "", fault.New(fault.Internal, "SSM parameter %s has no value", name)
	}
	return *out.Parameter.Value, nil
}
