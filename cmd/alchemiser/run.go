package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/deployed"
	"github.com/the-alchemiser/alchemiser/internal/config"
	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/functions"
	"github.com/the-alchemiser/alchemiser/internal/host"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/internal/naming"
	"github.com/the-alchemiser/alchemiser/internal/telemetry"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// runOptions are the flags of `alchemiser run`.
type runOptions struct {
	mode       string
	portfolios []string
	once       bool
	root       string
	consent    consent
}

func newRunCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run all four functions in this process",
		Long: `Run strategy, portfolio, execution and monitor in this one process, until interrupted.

  --mode memory       events stay in the process
  --mode dual         they also go to EventBridge, whose functions run as shadow (terraform: mode = "shadow");
                      "alchemiser compare" tells whether both sides had the same
  --mode eventbridge  events travel over EventBridge, and this process handles them (terraform: mode = "hosted")

Settings are those of the deployed functions of the stage; variables of the environment come before them. State is in the
stage's table: a restart, or a change between this process and the functions, does nothing twice and goes on where the
other one stopped.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runHost(cmd, o) },
	}
	cmd.Flags().StringVar(&o.mode, "mode", "", "memory, dual or eventbridge; without it EVENTBRIDGE__USE_EVENTBRIDGE and EVENTBRIDGE__ENABLE_DUAL_PUBLISH decide")
	cmd.Flags().StringSliceVar(&o.portfolios, "portfolio", []string{"main"}, "portfolios to run")
	cmd.Flags().BoolVar(&o.once, "once", false, "start one run of each portfolio now, and end with it")
	cmd.Flags().StringVar(&o.root, "root", ".", "folder with strategies/")
	o.consent.flags(cmd)
	return cmd
}

func runHost(cmd *cobra.Command, o runOptions) (err error) {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	operator, err := newOperator(cmd)
	if err != nil {
		return err
	}
	stage, cloud, account := string(operator.stage), operator.cloud, operator.account
	lines, err := openLog(stage)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lines.Close()) }()
	members, mode, err := hosted(ctx, cloud, stage, o, lines)
	if err != nil {
		return err
	}
	settings := members[0].Config
	what := fmt.Sprintf("run stage %s in mode %s and trade with the broker at %s", settings.Stage, mode, settings.Broker.BaseURL)
	if err := o.consent.ask(cmd, account, what); err != nil {
		return err
	}
	fmt.Fprintln(out, "Log lines go to", lines.Name())

	tracer, err := telemetry.NewTracer(telemetry.TracerConfig{Stage: settings.Stage})
	if err != nil {
		return err
	}
	watch := newWatch(out)
	h, err := host.New(ctx, host.Config{
		Members: members, Mode: mode, Portfolios: o.portfolios, Owner: thisProcess(), Tracer: tracer, Now: time.Now, Show: watch.show,
		Logger: func(function string) consumer.Logger { return telemetry.NewLogger(lines, function, "run") },
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close(ctx)) }()
	if o.once {
		return runOnce(ctx, out, h, o.portfolios, watch)
	}
	fmt.Fprintf(out, "Running %s by the schedule (12:45 and 15:45 in New York, Monday to Friday) until interrupted.\n", strings.Join(o.portfolios, ", "))
	return h.Serve(ctx)
}

// thisProcess names the process for people.
func thisProcess() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return fmt.Sprintf("process %d on %s", os.Getpid(), host)
}

// hosted returns the functions to run, with the settings of the deployed ones, and the mode. Their figures go to lines.
func hosted(ctx context.Context, cloud aws.Config, stage string, o runOptions, lines io.Writer) ([]host.Member, bus.Mode, error) {
	root, err := filepath.Abs(o.root)
	if err != nil {
		return nil, "", fmt.Errorf("--root: %w", err)
	}
	there, err := deployed.Functions(ctx, cloud, naming.Stage(stage))
	if err != nil && !errors.Is(err, deployed.ErrNone) {
		return nil, "", err
	}
	var members []host.Member
	for _, w := range []struct {
		name string
		wire functions.Wire
	}{
		{functions.NameStrategy, functions.Strategy},
		{functions.NamePortfolio, functions.Portfolio},
		{functions.NameExecution, functions.Execution},
		{functions.NameMonitor, functions.Monitor},
	} {
		m := host.Member{Wire: w.wire, Timeout: 10 * time.Minute}
		environ := []string{"STAGE=" + stage, "LAMBDA_TASK_ROOT=" + root, "AWS_LAMBDA_FUNCTION_VERSION=run"}
		for _, f := range there {
			if f.Name != w.name {
				continue
			}
			m.Timeout = f.Timeout
			for name, value := range f.Environment {
				environ = append(environ, name+"="+value)
			}
		}
		cfg, err := config.Load(append(environ, os.Environ()...))
		if err != nil {
			return nil, "", fmt.Errorf("%s: %w", w.name, err)
		}
		if cfg.Stage != stage { // its kill switch and its names would be another stage's
			return nil, "", fmt.Errorf("--stage is %s, but the environment has STAGE=%s: say which is meant", stage, cfg.Stage)
		}
		if m.Function, err = functions.New(w.name, cfg, cloud, telemetry.NewMetrics(lines, stage, w.name, time.Now)); err != nil {
			return nil, "", err
		}
		members = append(members, m)
	}
	mode := members[0].Config.Bus.Mode()
	if o.mode != "" {
		mode = bus.Mode(o.mode)
	}
	return members, mode, fits(mode, there)
}

// fits refuses a mode that the deployed functions would interfere with.
func fits(mode bus.Mode, there []deployed.Function) error {
	if !slices.Contains([]bus.Mode{bus.ModeMemory, bus.ModeDual, bus.ModeEventBridge}, mode) {
		return fmt.Errorf("--mode %s: want memory, dual or eventbridge", mode)
	}
	var live []string
	for _, f := range there {
		shadow := f.Environment["MODE"] == string(config.ModeShadow)
		switch {
		case mode == bus.ModeDual && !shadow:
			return fmt.Errorf("--mode dual: function %s is not a shadow: apply Terraform with -var mode=shadow first, and `alchemiser deploy` it if a rollback holds it", f.Name)
		case mode == bus.ModeDual, f.Name == functions.NameMonitor, mode == bus.ModeMemory && shadow:
		case f.RuleEnabled:
			live = append(live, f.Rule)
		}
	}
	if len(live) > 0 {
		return fmt.Errorf("--mode %s: the deployed functions handle events as well: apply Terraform with -var mode=hosted, or, at once, disable the rules %s (`alchemiser rules disable --all`)", mode, strings.Join(live, ", "))
	}
	return nil
}

// openLog opens the file that the log lines of the process are added to.
func openLog(stage string) (*os.File, error) {
	folder := filepath.Join(".alchemiser", stage, "logs")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("make run folder: %w", err)
	}
	return os.OpenFile(filepath.Join(folder, "run.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// runOnce starts a run of each portfolio and returns when all have ended, with an error if one has failed.
func runOnce(ctx context.Context, out io.Writer, h *host.Host, portfolios []string, watch *watch) error {
	ctx, cancel := h.Alive(ctx)
	defer cancel()
	var faults []error
	for _, portfolio := range portfolios {
		id, resumed, err := h.StartNow(ctx, portfolio)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		verb := "Started"
		if resumed {
			verb = "Resumed"
		}
		fmt.Fprintf(out, "%s run %s.\n", verb, id)
		faults = append(faults, watch.ended(ctx, id))
	}
	return errors.Join(append(faults, h.Idle(ctx))...)
}

// watch prints the events of the process as the monitor records them, and waits for the ends of workflows.
type watch struct {
	out  io.Writer
	seen map[string]bool
	ends chan events.Event
	// past are the ends that came while another was waited for, by workflow.
	past map[string]events.Event
}

func newWatch(out io.Writer) *watch {
	return &watch{out: out, seen: map[string]bool{}, ends: make(chan events.Event, 1000), past: map[string]events.Event{}}
}

// show prints an event once. The host calls it for one event at a time.
func (w *watch) show(e events.Event) {
	if w.seen[e.ID] {
		return
	}
	w.seen[e.ID] = true
	said, err := monitor.Summary(e.Payload)
	if err != nil {
		said = err.Error()
	}
	fmt.Fprintf(w.out, "%s  %-17s  %-9s  %s\n", e.Timestamp.Format("15:04:05.000"), e.Type(), e.SourceModule, said)
	switch e.Payload.(type) {
	case events.WorkflowCompleted, events.WorkflowFailed:
		select {
		case w.ends <- e:
		default: // nobody waits: it is printed
		}
	}
}

// ended waits for the end of workflow id. One goroutine may wait at a time.
func (w *watch) ended(ctx context.Context, id string) error {
	for {
		if e, ok := w.past[id]; ok {
			delete(w.past, id)
			if failed, ok := e.Payload.(events.WorkflowFailed); ok {
				return fmt.Errorf("run %s failed in %s: %s", id, failed.Function, failed.Reason)
			}
			return nil
		}
		select {
		case e := <-w.ends:
			w.past[e.CorrelationID] = e
		case <-ctx.Done():
			return fmt.Errorf("run %s has not ended: it goes on when the command is given again: %w", id, context.Cause(ctx))
		}
	}
}
