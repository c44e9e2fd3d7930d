package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/workflow"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/internal/stack"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

const (
	stage = "bench"

	readyBudget    = 150 * time.Millisecond
	memoryBudget   = 64 << 20
	workflowMedian = 150 * time.Millisecond
	workflowP99    = 500 * time.Millisecond

	// settle is how long the endpoint is left alone after the deployment: it gives memory back when nobody asks anything.
	settle = 15 * time.Second
	// warmUp is the number of workflows that are run before any is counted.
	warmUp = 10
)

func measureRunning(ctx context.Context, root string, workflows int) ([]row, error) {
	rows, err := measureEndpoint(ctx, filepath.Join(root, "bin", "alchemiser"))
	if err != nil {
		return nil, err
	}
	times, deployed, err := measureWorkflows(ctx, root, workflows)
	if err != nil {
		return nil, err
	}
	sorted(times)
	p50, p99 := percentile(times, 50), percentile(times, 99)
	return append(rows,
		row{What: "endpoint with the stack deployed, idle (resident)", Figure: deployed.String()},
		row{"workflow, WorkflowStarted to WorkflowCompleted, warm, p50", ms(p50), "≤ " + ms(workflowMedian), verdict(p50 <= workflowMedian)},
		row{"workflow, WorkflowStarted to WorkflowCompleted, warm, p99", ms(p99), "≤ " + ms(workflowP99), verdict(p99 <= workflowP99)},
	), nil
}

// measureEndpoint measures an endpoint of its own: process start to the ready line, and memory when idle.
func measureEndpoint(ctx context.Context, program string) ([]row, error) {
	var starts []time.Duration
	var idle memory
	for range 7 {
		cmd := exec.CommandContext(ctx, program, "local", "up", "--port", "0")
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		began := time.Now()
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		line, err := bufio.NewReader(stdout).ReadString('\n')
		starts = append(starts, time.Since(began))
		if err == nil && len(starts) == 7 {
			time.Sleep(3 * time.Second) // idle is what remains when the start is over
			idle, err = memoryOf(cmd.Process.Pid)
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if err != nil || !strings.HasPrefix(line, "ready ") {
			return nil, fmt.Errorf("the endpoint said %q: %w", line, err)
		}
	}
	median := percentile(sorted(starts), 50)
	return []row{
		{"endpoint: start to ready", "median " + ms(median), "≤ " + ms(readyBudget), verdict(median <= readyBudget)},
		{"endpoint: idle memory (resident)", idle.String(), "≤ 64 MB", verdict(idle.resident <= memoryBudget)},
	}, nil
}

// memory is what a process holds: resident is all of it, own what is not the program's file.
type memory struct{ resident, own int64 }

func (m memory) String() string {
	return fmt.Sprintf("%.1f MB, %.1f MB without the program's file", float64(m.resident)/(1<<20), float64(m.own)/(1<<20))
}

func memoryOf(pid int) (memory, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return memory{}, err
	}
	var m memory
	for line := range strings.Lines(string(raw)) {
		var kb int64
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kb); err == nil {
			m.resident = kb << 10
		}
		if _, err := fmt.Sscanf(line, "RssAnon: %d kB", &kb); err == nil {
			m.own = kb << 10
		}
	}
	if m.resident == 0 {
		return m, errors.New("no VmRSS in /proc: memory is measured on Linux only")
	}
	return m, nil
}

// measureWorkflows deploys the stack and runs workflows one after the other, each with a portfolio and a fresh account
// of its own, so that each trades. It returns their durations by the bus's own record, and the memory of the endpoint after
// the deployment.
func measureWorkflows(ctx context.Context, root string, n int) (_ []time.Duration, deployed memory, err error) {
	s, err := stack.Start(ctx, stack.Config{
		Root: root, Executable: filepath.Join(root, "bin", "alchemiser"), Stage: stage,
		Architecture: map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH],
	})
	if err != nil {
		return nil, deployed, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	if err := s.Terraform.Init(ctx); err != nil {
		return nil, deployed, err
	}
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(s.Record.URL), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	if _, err := ssm.NewFromConfig(cfg).PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String("/alchemiser/" + stage + "/broker"), Type: ssmtypes.ParameterTypeSecureString,
		Value: aws.String(`{"key_id":"paper","secret_key":"paper"}`),
	}); err != nil {
		return nil, deployed, err
	}
	if err := s.Terraform.Apply(ctx, nil); err != nil {
		return nil, deployed, err
	}
	time.Sleep(settle)
	if deployed, err = memoryOf(s.Record.PID); err != nil {
		return nil, deployed, err
	}
	client, err := workflow.New(cfg, stage)
	if err != nil {
		return nil, deployed, err
	}
	runner := &runner{stack: s, bus: eventbridge.NewFromConfig(cfg), workflows: client}
	var times []time.Duration
	for i := range warmUp + n {
		took, err := runner.one(ctx, i)
		if err != nil {
			return nil, deployed, fmt.Errorf("workflow %d: %w\n%s", i, err, s.LogTail())
		}
		if i >= warmUp {
			times = append(times, took)
		}
	}
	return times, deployed, nil
}

type runner struct {
	stack     *stack.Stack
	bus       *eventbridge.Client
	workflows *workflow.Client
}

// one runs workflow i from the moment before it is published to the moment its last event was recorded.
func (r *runner) one(ctx context.Context, i int) (time.Duration, error) {
	if err := r.freshAccount(ctx); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	id := fmt.Sprintf("run-bench-%d", i)
	began := time.Now()
	out, err := r.bus.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []eventbridgetypes.PutEventsRequestEntry{{
		EventBusName: aws.String("alchemiser-trading-events-" + stage),
		Source:       aws.String("alchemiser.scheduler"),
		DetailType:   aws.String("WorkflowStarted"),
		Detail: aws.String(fmt.Sprintf(`{"event_id":"start-%s","event_type":"WorkflowStarted","schema_version":"1.0","correlation_id":%[1]q,`+
			`"causation_id":%[1]q,"timestamp":%q,"source_module":"scheduler","source_component":"bench","metadata":{},"portfolio_id":"main-bench-%d"}`,
			id, began.UTC().Format(time.RFC3339), i)),
	}}})
	if err != nil {
		return 0, err
	}
	if out.FailedEntryCount > 0 {
		return 0, fmt.Errorf("not accepted: %s", aws.ToString(out.Entries[0].ErrorMessage))
	}
	traded := false
	passed, err := r.workflows.Follow(ctx, id, func(e workflow.Passed) {
		if x, ok := e.Payload.(events.TradeExecuted); ok {
			traded = len(x.Orders) > 0
		}
	})
	if err != nil {
		return 0, err
	}
	if !traded {
		said, err := monitor.Summary(passed[len(passed)-1].Payload)
		return 0, errors.Join(fmt.Errorf("it placed no orders, so it measures nothing: %s", said), err)
	}
	for _, e := range passed {
		if e.Type() == events.TypeWorkflowCompleted {
			return e.At.Sub(began), nil
		}
	}
	return 0, errors.New("it failed")
}

// freshAccount gives the broker's account its first state back.
func (r *runner) freshAccount(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.stack.Record.BrokerURL+"/_control/reset", http.NoBody)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("the paper broker's control API answered %s", res.Status)
	}
	return nil
}
