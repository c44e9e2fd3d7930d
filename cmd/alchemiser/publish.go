package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/workflow"
	"github.com/the-alchemiser/alchemiser/internal/report"
	"github.com/the-alchemiser/alchemiser/pkg/bus/ebbus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// sourcePrefix is the one that Terraform sets for all functions.
const sourcePrefix = "alchemiser"

// publishOptions are the flags of `alchemiser publish`.
type publishOptions struct {
	file  string
	set   []string
	wait  bool
	agree consent
}

func newPublishCommand() *cobra.Command {
	var opts publishOptions
	cmd := &cobra.Command{
		Use:   "publish [TYPE]",
		Short: "Publish an event, after it was checked against the schema",
		Long: `Publish an event on the bus: without a type WorkflowStarted, which starts a run of portfolio main. What is not given is filled in: ids,
times, and the source that the next function listens to. The event is checked as every function does before it is sent.

A start outside of the last 20 minutes before the close is skipped, and a second one on the same day is a no-op. What you publish can trade.`,
		Example: `  alchemiser --stage dev publish --wait
  alchemiser --stage dev publish WorkflowStarted --set portfolio_id=main-test
  alchemiser --stage dev publish SignalGenerated --file signal.json`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return typeNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			t := events.TypeWorkflowStarted
			if len(args) > 0 {
				t = events.Type(args[0])
			}
			return publish(cmd, t, opts)
		},
	}
	cmd.Flags().StringVar(&opts.file, "file", "", "JSON file with the event's fields; - reads standard input")
	cmd.Flags().StringArrayVar(&opts.set, "set", nil, "field=value, after the file; a value that is JSON is taken as such")
	cmd.Flags().BoolVar(&opts.wait, "wait", false, "follow the workflow to its end and show the timeline")
	opts.agree.flags(cmd)
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}

func typeNames() []string {
	var names []string
	for _, p := range events.Catalogue() {
		names = append(names, string(p.EventType()))
	}
	return names
}

func publish(cmd *cobra.Command, t events.Type, opts publishOptions) error {
	ctx, now := cmd.Context(), time.Now().UTC()
	detail, err := fieldsOf(cmd, opts)
	if err != nil {
		return err
	}
	fillIn(detail, t, now)
	raw, err := json.Marshal(detail)
	if err != nil {
		return fmt.Errorf("encode the event: %w", err)
	}
	event, err := events.Decode(string(t), raw)
	if err != nil {
		return fmt.Errorf("the event would be refused: %w", err)
	}
	o, err := newOperator(cmd)
	if err != nil {
		return err
	}
	publisher, err := ebbus.New(ebbus.Config{Client: eventbridge.NewFromConfig(o.cloud), BusName: o.stage.Bus(), SourcePrefix: sourcePrefix, MaxRetries: 3})
	if err != nil {
		return err
	}
	if err := opts.agree.ask(cmd, o.account, fmt.Sprintf("publish %s %s of workflow %s, which can trade", t, event.ID, event.CorrelationID)); err != nil {
		return err
	}
	if err := publisher.Publish(ctx, event); err != nil {
		return err
	}
	if !opts.wait {
		return o.print(map[string]string{"event_id": event.ID, "correlation_id": event.CorrelationID}, func() error {
			fmt.Fprintf(cmd.OutOrStdout(), "Published %s %s of workflow %s.\n", t, event.ID, event.CorrelationID)
			return nil
		})
	}
	return await(o, event.CorrelationID)
}

// await follows a workflow to its end and tells it, with an error if it failed.
func await(o *operator, id string) error {
	client, err := workflow.New(o.cloud, o.stage)
	if err != nil {
		return err
	}
	ctx := o.cmd.Context()
	passed, err := client.Follow(ctx, id, func(e workflow.Passed) { writePassed(o.cmd.ErrOrStderr(), e) })
	if err != nil {
		return err
	}
	entries, err := client.Timeline(ctx, id, len(passed))
	if err != nil {
		return err
	}
	story := storyOf(id, entries, passed)
	if err := o.print(story, func() error {
		return report.Write(o.cmd.OutOrStdout(), report.Workflow{CorrelationID: id, Timeline: story.Timeline})
	}); err != nil {
		return err
	}
	for _, e := range story.Events {
		if failed, ok := e.Payload.(events.WorkflowFailed); ok {
			return fmt.Errorf("workflow %s failed in %s: %s", id, failed.Function, failed.Reason)
		}
	}
	return nil
}

// fieldsOf returns the fields that were given, by name.
func fieldsOf(cmd *cobra.Command, opts publishOptions) (map[string]any, error) {
	detail := map[string]any{}
	if opts.file != "" {
		in := cmd.InOrStdin()
		if opts.file != "-" {
			f, err := os.Open(opts.file)
			if err != nil {
				return nil, fmt.Errorf("--file: %w", err)
			}
			defer f.Close()
			in = f
		}
		decoder := json.NewDecoder(in)
		decoder.UseNumber()
		if err := decoder.Decode(&detail); err != nil {
			return nil, fmt.Errorf("--file %s: want a JSON object with the event's fields: %w", opts.file, err)
		}
	}
	for _, pair := range opts.set {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--set %s: want field=value", pair)
		}
		var parsed any
		if json.Unmarshal([]byte(value), &parsed) != nil {
			parsed = value
		}
		detail[name] = parsed
	}
	return detail, nil
}

// fillIn adds what the envelope needs and was not given.
func fillIn(detail map[string]any, t events.Type, now time.Time) {
	portfolio, _ := detail["portfolio_id"].(string)
	portfolio = cmp.Or(portfolio, "main")
	correlation, _ := detail["correlation_id"].(string)
	correlation = cmp.Or(correlation, fmt.Sprintf("run-%s-by-hand-%s", portfolio, now.Format("20060102T150405.000Z")))
	for name, value := range map[string]any{
		"portfolio_id": portfolio, "event_id": uuid.NewString(), "event_type": string(t), "schema_version": events.SchemaVersion,
		"correlation_id": correlation, "causation_id": correlation, "timestamp": now.Format("2006-01-02T15:04:05.000000Z"),
		"source_module": sourceOf(t), "source_component": "cli", "metadata": map[string]string{},
	} {
		if _, given := detail[name]; !given {
			detail[name] = value
		}
	}
}

// sourceOf returns the function whose events of type t the next function listens to.
func sourceOf(t events.Type) string {
	switch t {
	case events.TypeSignalGenerated:
		return "strategy"
	case events.TypeRebalancePlanned:
		return "portfolio"
	case events.TypeTradeExecuted, events.TypeWorkflowCompleted, events.TypeWorkflowFailed:
		return "execution"
	default:
		return "cli"
	}
}
