package rules_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/rules"
	"github.com/the-alchemiser/alchemiser/internal/localaws"
	"github.com/the-alchemiser/alchemiser/internal/naming"
)

const stage = naming.Stage("test")

// account returns an account on the in-process endpoint with the bus of the stage, two rules and an archive, whose rule is
// AWS's own.
func account(t *testing.T) aws.Config {
	t.Helper()
	server, err := localaws.New(localaws.Config{Log: t.Output(), RetryScale: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(server.URL()), Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	client := eventbridge.NewFromConfig(cfg)
	bus, err := client.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: aws.String(stage.Bus())})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []naming.Function{naming.Strategy, naming.Execution} {
		if _, err := client.PutRule(t.Context(), &eventbridge.PutRuleInput{
			EventBusName: aws.String(stage.Bus()), Name: aws.String(stage.Rule(f)), EventPattern: aws.String(`{"source":["a"]}`),
		}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.CreateArchive(t.Context(), &eventbridge.CreateArchiveInput{ArchiveName: aws.String(stage.Archive()), EventSourceArn: bus.EventBusArn}); err != nil {
		t.Fatal(err)
	}
	return cfg
}

func putOff(t *testing.T, cfg aws.Config, value string) {
	t.Helper()
	if _, err := ssm.NewFromConfig(cfg).PutParameter(t.Context(), &ssm.PutParameterInput{
		Name: aws.String(stage.RulesOff()), Value: &value, Type: ssmtypes.ParameterTypeString, Overwrite: aws.Bool(true),
	}); err != nil {
		t.Fatal(err)
	}
}

// states returns each rule that is not AWS's as "name on|off kept|free".
func states(t *testing.T, board *rules.Switchboard) string {
	t.Helper()
	all, err := board.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	managed := 0
	for _, r := range all {
		if r.Managed {
			managed++
			continue
		}
		state := strings.TrimSuffix(strings.TrimPrefix(r.Name, "alchemiser-"), "-test")
		state += map[bool]string{true: " on", false: " off"}[r.Enabled] + map[bool]string{true: " kept", false: ""}[r.KeptOff]
		told = append(told, state)
	}
	if managed != 1 {
		t.Errorf("%d rules are AWS's own, want that of the archive", managed)
	}
	return strings.Join(told, ", ")
}

func TestRulesAreSwitchedAndKeptSo(t *testing.T) {
	t.Parallel()
	cfg := account(t)
	putOff(t, cfg, "none")
	board := rules.New(cfg, stage)
	execution, strategy := board.Name("execution"), board.Name("alchemiser-workflow-started-test")
	for _, step := range []struct {
		on    bool
		names []string
		want  string
	}{
		{false, []string{execution}, "rebalance-planned off kept, workflow-started on"},
		{false, []string{execution, strategy}, "rebalance-planned off kept, workflow-started off kept"},
		{true, []string{execution}, "rebalance-planned on, workflow-started off kept"},
		{true, []string{execution, strategy}, "rebalance-planned on, workflow-started on"},
	} {
		if err := board.Set(t.Context(), step.on, step.names...); err != nil {
			t.Fatal(err)
		}
		if got := states(t, board); got != step.want {
			t.Errorf("after switching %v to %t: %s, want %s", step.names, step.on, got, step.want)
		}
	}
}

func TestARuleThatIsNotThereChangesNothing(t *testing.T) {
	t.Parallel()
	cfg := account(t)
	putOff(t, cfg, "none")
	board := rules.New(cfg, stage)
	err := board.Set(t.Context(), false, board.Name("execution"), board.Name("portfolio"))
	if err == nil || !strings.Contains(err.Error(), "alchemiser-signal-generated-test") {
		t.Errorf("Set = %v, want it to name the rule", err)
	}
	if got, want := states(t, board), "rebalance-planned on, workflow-started on"; got != want {
		t.Errorf("rules are %s, want %s", got, want)
	}
}

func TestAStageThatWasNotApplied(t *testing.T) {
	t.Parallel()
	_, err := rules.New(account(t), stage).List(t.Context())
	if err == nil || !strings.Contains(err.Error(), "apply Terraform first") {
		t.Errorf("List = %v, want what to do", err)
	}
}
