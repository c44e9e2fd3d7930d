package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/gruntwork-io/terratest/modules/terraform"

	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// example is terraform/examples/function beside the stack.
type example struct {
	terraform *terraform.Options
	// applied gets the one result of the apply.
	applied <-chan error
}

// startExample builds and applies the example as its README says, while other tests go on: the provider waits 25 s until a new queue's
// attributes have settled.
func (d *deployment) startExample(t *testing.T) example {
	t.Helper()
	folder := t.TempDir()
	zip := filepath.Join(folder, "journal.zip")
	env := maps.Clone(d.stack.Env())
	env["TF_DATA_DIR"] = filepath.Join(folder, "terraform")
	options := &terraform.Options{
		TerraformDir:  filepath.Join(d.terraform.TerraformDir, "examples", "function"),
		BackendConfig: map[string]any{"path": filepath.Join(folder, "journal.tfstate")},
		Reconfigure:   true,
		EnvVars:       env,
		Vars:          map[string]any{"stage": stage, "zip": zip},
		Parallelism:   30,
		NoColor:       true,
		Logger:        d.terraform.Logger,
	}
	initialise(t, options)
	applied := make(chan error, 1)
	go func() {
		err := buildJournal(t.Context(), folder, zip)
		if err == nil {
			_, err = terraform.ApplyContextE(t, t.Context(), options)
		}
		applied <- err
	}()
	return example{terraform: options, applied: applied}
}

// testExample lets a TradeExecuted of an earlier run come once more: the four functions know it, the new one does not.
func (d *deployment) testExample(t *testing.T, x example) {
	err := <-x.applied
	t.Cleanup(func() { terraform.DestroyContext(t, context.WithoutCancel(t.Context()), x.terraform) })
	if err != nil {
		t.Fatal(err)
	}
	traded := d.traded(t)
	again, err := events.Encode(traded, "alchemiser")
	if err != nil {
		t.Fatal(err)
	}
	d.put(t, again.Source, again.DetailType, string(again.Detail))
	group := terraform.OutputContext(t, t.Context(), x.terraform, "log_group_name")
	first := traded.Payload.(events.TradeExecuted).Orders[0]
	want := strings.Join([]string{traded.ID, string(first.Side), first.Symbol, string(first.Status), first.ClientOrderID}, " ")
	eventually(t, func() (bool, string) {
		lines, err := cloudwatchlogs.NewFromConfig(d.aws).FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String(group)})
		if err != nil {
			return false, err.Error()
		}
		var journal strings.Builder
		for _, line := range lines.Events {
			journal.WriteString(*line.Message)
			journal.WriteByte('\n')
		}
		return strings.Contains(journal.String(), want), group + " has no line " + want + ", only\n" + journal.String()
	})
}

// traded is the TradeExecuted of the first run that traded.
func (d *deployment) traded(t *testing.T) events.Event {
	t.Helper()
	client, err := d.workflows()
	if err != nil {
		t.Fatal(err)
	}
	passed, err := client.Events(t.Context(), d.run, time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range passed {
		if e.Type() == events.TypeTradeExecuted {
			return e.Event
		}
	}
	t.Fatalf("the event log has no %s of %s", events.TypeTradeExecuted, d.run)
	return events.Event{}
}

// buildJournal makes the example's zip.
func buildJournal(ctx context.Context, folder, zip string) error {
	binary := filepath.Join(folder, "bootstrap")
	for _, args := range [][]string{
		{"build", "-trimpath", "-tags", "lambda.norpc", "-o", binary, "./terraform/examples/function/journal"},
		{"run", "./cmd/lambdazip", "-o", zip, "bootstrap=" + binary},
	} {
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir = "../.."
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	return nil
}
