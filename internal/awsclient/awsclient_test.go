package awsclient_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/the-alchemiser/alchemiser/internal/awsclient"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

func refused(code string, by smithy.ErrorFault) error {
	return &smithy.GenericAPIError{Code: code, Message: "message", Fault: by}
}

func answered(status int, err error) error {
	return &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: err,
	}}
}

func TestFault(t *testing.T) {
	tests := map[string]struct {
		err  error
		want fault.Code
	}{
		"no answer":                        {errors.New("connection reset by peer"), fault.Transient},
		"a deadline":                       {fmt.Errorf("call: %w", context.DeadlineExceeded), fault.Transient},
		"throttling":                       {refused("ThrottlingException", smithy.FaultClient), fault.Transient},
		"throughput exceeded, given up":    {&retry.MaxAttemptsError{Attempt: 3, Err: refused("ProvisionedThroughputExceededException", smithy.FaultClient)}, fault.Transient},
		"a transaction in conflict":        {refused("TransactionConflictException", smithy.FaultClient), fault.Transient},
		"the server's fault":               {refused("InternalServerError", smithy.FaultServer), fault.Transient},
		"503 of whatever is between":       {answered(503, refused("Unheard", smithy.FaultUnknown)), fault.Transient},
		"a request that AWS refuses":       {answered(400, refused("ValidationException", smithy.FaultClient)), fault.Internal},
		"a permission that is missing":     {answered(400, refused("AccessDeniedException", smithy.FaultClient)), fault.Internal},
		"a table that is not there, again": {fmt.Errorf("get: %w", refused("ResourceNotFoundException", smithy.FaultClient)), fault.Internal},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := awsclient.Fault(tt.err); got != tt.want {
				t.Errorf("Fault(%v) = %s, want %s", tt.err, got, tt.want)
			}
		})
	}
}

func TestLoadWantsARegion(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	if _, err := awsclient.Load(t.Context()); err == nil {
		t.Error("loaded without a region")
	}
	t.Setenv("AWS_REGION", "us-east-1")
	if cfg, err := awsclient.Load(t.Context()); err != nil || cfg.Region != "us-east-1" {
		t.Errorf("region %q, %v", cfg.Region, err)
	}
}
