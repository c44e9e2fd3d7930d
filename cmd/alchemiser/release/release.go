// Package release decides which version of a function events go to: a deployment moves the alias live to a new version, a
// rollback moves it back, and the next apply of Terraform undoes neither.
package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/the-alchemiser/alchemiser/internal/functions"
	"github.com/the-alchemiser/alchemiser/internal/naming"
)

// Latest stands for the version that was published last.
const Latest = "latest"

// State is where a function stands.
type State struct {
	Function naming.Function `json:"function"`
	// Live is the version that events go to.
	Live string `json:"live"`
	// Held is the version at which an operator holds the function, or Latest.
	Held string `json:"held"`
	// Versions are all that were published and still exist, the oldest first.
	Versions []string `json:"versions"`
}

// ErrNoEarlier says that there is no version to go back to.
var ErrNoEarlier = errors.New("no earlier version passes its smoke test")

// Desk moves the functions of a stage. It is safe for concurrent use, but of two people who move a function at once the later
// one wins.
type Desk struct {
	stage  naming.Stage
	lambda *lambda.Client
	ssm    *ssm.Client
}

// New returns the desk of a stage.
func New(cfg aws.Config, stage naming.Stage) *Desk {
	return &Desk{stage: stage, lambda: lambda.NewFromConfig(cfg), ssm: ssm.NewFromConfig(cfg)}
}

// State returns where f stands.
func (d *Desk) State(ctx context.Context, f naming.Function) (State, error) {
	s := State{Function: f}
	alias, err := d.lambda.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: aws.String(d.stage.Function(f)), Name: aws.String(naming.Live)})
	if err != nil {
		return s, fmt.Errorf("find the live version of %s: %w", d.stage.Function(f), err)
	}
	s.Live = aws.ToString(alias.FunctionVersion)
	pages := lambda.NewListVersionsByFunctionPaginator(d.lambda, &lambda.ListVersionsByFunctionInput{FunctionName: aws.String(d.stage.Function(f))})
	var numbers []int
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return s, fmt.Errorf("list the versions of %s: %w", d.stage.Function(f), err)
		}
		for _, v := range page.Versions {
			if n, err := strconv.Atoi(aws.ToString(v.Version)); err == nil { // all but $LATEST
				numbers = append(numbers, n)
			}
		}
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		s.Versions = append(s.Versions, strconv.Itoa(n))
	}
	held, err := d.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(d.stage.LiveVersion(f))})
	var missing *ssmtypes.ParameterNotFound
	if errors.As(err, &missing) {
		return s, fmt.Errorf("parameter %s is not there: apply Terraform first: %w", d.stage.LiveVersion(f), err)
	}
	if err != nil {
		return s, fmt.Errorf("read parameter %s: %w", d.stage.LiveVersion(f), err)
	}
	s.Held = aws.ToString(held.Parameter.Value)
	return s, nil
}

// Hold writes down the version at which an apply leaves f, or Latest. It moves nothing.
func (d *Desk) Hold(ctx context.Context, f naming.Function, version string) error {
	_, err := d.ssm.PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String(d.stage.LiveVersion(f)), Value: &version, Type: ssmtypes.ParameterTypeString, Overwrite: aws.Bool(true),
	})
	if err != nil {
		return fmt.Errorf("write parameter %s: %w", d.stage.LiveVersion(f), err)
	}
	return nil
}

// Move sends events to version and holds f there. What an apply shall keep is written down first: if the move fails,
// repeating it is all that is needed, and an apply between makes it.
func (d *Desk) Move(ctx context.Context, f naming.Function, version string) error {
	if err := d.Hold(ctx, f, version); err != nil {
		return err
	}
	_, err := d.lambda.UpdateAlias(ctx, &lambda.UpdateAliasInput{
		FunctionName: aws.String(d.stage.Function(f)), Name: aws.String(naming.Live), FunctionVersion: &version,
	})
	if err != nil {
		return fmt.Errorf("move %s to version %s: %w; give the command again", d.stage.Function(f), version, err)
	}
	return nil
}

// Before returns the version to go back to, with what it answers to the smoke event: the newest before the live one that passes its
// smoke test. One that does not was never live. If none passes, such as for a broker that is down, it is ErrNoEarlier with what
// they say.
func (d *Desk) Before(ctx context.Context, s State) (string, functions.Report, error) {
	earlier := slices.Clone(s.Versions[:max(0, slices.Index(s.Versions, s.Live))])
	slices.Reverse(earlier)
	failed := []error{fmt.Errorf("%s runs version %s: %w", s.Function, s.Live, ErrNoEarlier)}
	for _, version := range earlier {
		report, err := d.Smoke(ctx, s.Function, version)
		if err == nil {
			return version, report, nil
		}
		failed = append(failed, err)
		if ctx.Err() != nil {
			break
		}
	}
	return "", functions.Report{}, errors.Join(failed...)
}

// Smoke lets a version, or an alias, answer the smoke event. The error says which checks failed.
func (d *Desk) Smoke(ctx context.Context, f naming.Function, qualifier string) (functions.Report, error) {
	var report functions.Report
	out, err := d.lambda.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: aws.String(d.stage.Function(f)), Qualifier: &qualifier, Payload: []byte(`{"smoke":true}`),
	})
	if err != nil {
		return report, fmt.Errorf("smoke test of %s %s: %w", d.stage.Function(f), qualifier, err)
	}
	if out.FunctionError != nil {
		var failed struct {
			Message string `json:"errorMessage"`
		}
		if err := json.Unmarshal(out.Payload, &failed); err != nil || failed.Message == "" {
			failed.Message = string(out.Payload)
		}
		return report, fmt.Errorf("smoke test of %s %s: %s", d.stage.Function(f), qualifier, failed.Message)
	}
	if err := json.Unmarshal(out.Payload, &report); err != nil {
		return report, fmt.Errorf("smoke test of %s %s: the answer is no report, the version is older than the smoke test: %w", d.stage.Function(f), qualifier, err)
	}
	return report, nil
}
