package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/workflow"
	"github.com/the-alchemiser/alchemiser/internal/naming"
	"github.com/the-alchemiser/alchemiser/internal/report"
	"github.com/the-alchemiser/alchemiser/internal/stack"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// demoPositions are held before the run, so that it has something to sell.
const demoPositions = "GE=100,PFE=400,T=600"

// demoPatience is how long a run may take; it takes a second.
const demoPatience = 90 * time.Second

func newDemoCommand() *cobra.Command {
	var bars string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Deploy locally, run one rebalance from schedule to fills, and show what happened",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			cfg, err := stackConfig(cmd)
			if err != nil {
				return err
			}
			if cfg, err = withBars(cfg, bars); err != nil {
				return err
			}
			cfg.Positions = demoPositions
			return demo(cmd.Context(), cmd.OutOrStdout(), cfg)
		},
	}
	cmd.Flags().StringVar(&bars, "bars", "", "folder of SYMBOL.csv with real prices; without it the market is simulated")
	return cmd
}

func demo(ctx context.Context, out io.Writer, cfg stack.Config) (err error) {
	if cfg.Bars == "" {
		fmt.Fprintln(out, "Prices: a simulated market (seeded random walk). BARS=<folder of SYMBOL.csv> make demo takes real ones.")
	} else {
		fmt.Fprintln(out, "Prices: real daily closes from", cfg.Bars)
	}
	s, err := bringUp(ctx, out, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()

	ctx, cancel := context.WithTimeout(ctx, demoPatience)
	defer cancel()
	wf, err := rebalance(ctx, out, s)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, s.LogTail())
	}
	if err := report.Write(out, wf); err != nil {
		return err
	}
	if err := traded(wf.Events); err != nil {
		return err
	}
	fmt.Fprintf(out, `
Where to look next
  make up                       keep a stack running; it says how to point the AWS CLI at it
  strategies/                   the symphonies that were evaluated
  docs/architecture.md          how the parts fit together
  %s    what the endpoint and the broker said
`, cfg.Folder()+"/logs")
	return nil
}

// rebalance triggers one run, shows its events as they pass, and returns all that is known once it has ended.
func rebalance(ctx context.Context, out io.Writer, s *stack.Stack) (report.Workflow, error) {
	run, err := workflow.New(localAWS(s), naming.Stage(s.Record.Stage))
	if err != nil {
		return report.Workflow{}, err
	}
	id, err := run.Schedule(ctx)
	if err != nil {
		return report.Workflow{}, err
	}
	fmt.Fprintf(out, "\nA one-off schedule will start run %s.\n\n", id)
	passed, err := run.Follow(ctx, id, func(e workflow.Passed) { writePassed(out, e) })
	if err != nil {
		return report.Workflow{}, err
	}
	entries, err := run.Timeline(ctx, id, len(passed))
	if err != nil {
		return report.Workflow{}, err
	}
	story := storyOf(id, entries, passed)
	story.Trace, err = run.Trace(ctx, id)
	return story, err
}

// traded says whether the run did what a demo is for: it traded, and the positions changed.
func traded(es []events.Event) error {
	for _, e := range es {
		x, ok := e.Payload.(events.TradeExecuted)
		if !ok {
			continue
		}
		if len(x.Orders) == 0 || x.Bought.Add(x.Sold).IsZero() {
			return errors.New("the run placed no order that was filled: see the orders above")
		}
		return nil
	}
	return errors.New("the run ended without trading: see the timeline above")
}
