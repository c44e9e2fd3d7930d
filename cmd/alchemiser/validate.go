package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/deployed"
	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/validation"
)

// validateOptions are the flags of `alchemiser validate`.
type validateOptions struct {
	since  time.Duration
	wait   time.Duration
	format string
	json   bool
	replay bool
	agree  consent
}

func newValidateCommand() *cobra.Command {
	var opt validateOptions
	formats := []string{"table", "markdown", "json"}
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Judge a stage by the success criteria, with a figure and a verdict for each",
		Long: `Judge whether a stage has kept its promises: every published event was handled by each function it is for, publishing and
functions were fast enough, no dead letters, no failed workflows, no errors that stayed, and replays are possible.

Deliveries are counted by what the functions have written down, not by metrics: the timelines, the log of all events and the
outboxes say what was published, the claims say what was handled. Nothing is changed; with --replay the window is replayed to
the monitor alone, which notes that in the timelines. A window in which nothing ran does not
pass. A failed attempt counts only as long as no later one has handled the event.

The exit code is 0 only if every criterion holds; what was not run is told and not counted.`,
		Example: "  alchemiser --stage prod validate --since 24h --format markdown > ticket.md",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opt.json {
				opt.format = "json"
			}
			if !slices.Contains(formats, opt.format) {
				return fmt.Errorf("--format %s: want one of %s", opt.format, strings.Join(formats, ", "))
			}
			if opt.since <= 0 || opt.since > validation.MaxWindow {
				return fmt.Errorf("--since %s: want more than 0 and at most %s, as claims are kept no longer", opt.since, validation.MaxWindow)
			}
			return validate(cmd, opt)
		},
	}
	cmd.Flags().DurationVar(&opt.since, "since", 24*time.Hour, "how far to look back")
	cmd.Flags().DurationVar(&opt.wait, "wait", 10*time.Second, "how long to wait for what is still under way")
	cmd.Flags().BoolVar(&opt.replay, "replay", false, "replay the window to the monitor, rather than only look whether that is possible")
	opt.agree.flags(cmd)
	cmd.Flags().StringVar(&opt.format, "format", "table", strings.Join(formats, ", "))
	cmd.Flags().BoolVar(&opt.json, "json", false, "the same as --format json")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func validate(cmd *cobra.Command, opt validateOptions) error {
	o, err := newOperator(cmd)
	if err != nil {
		return err
	}
	functions, err := deployed.Functions(cmd.Context(), o.cloud, o.stage)
	if err != nil {
		return err
	}
	reader, err := validation.NewReader(o.cloud, o.stage, o.account, functions)
	if err != nil {
		return err
	}
	if opt.replay {
		what := fmt.Sprintf("replay the events of the last %s to the monitor, which notes that in the timelines", opt.since)
		if err := opt.agree.ask(cmd, o.account, what); err != nil {
			return err
		}
	}
	bar := progressbar.NewOptions(-1, progressbar.OptionSetWriter(cmd.ErrOrStderr()), progressbar.OptionSetDescription("looking at the stage"),
		progressbar.OptionSpinnerType(14), progressbar.OptionClearOnFinish(), progressbar.OptionSetElapsedTime(true), progressbar.OptionSetVisibility(isTerminal(cmd.ErrOrStderr())))
	evidence, err := settledEvidence(cmd.Context(), reader, opt, bar)
	if err == nil && opt.replay {
		err = reader.Replay(cmd.Context(), &evidence)
	}
	_ = bar.Finish() // the bar is only a courtesy
	if err != nil {
		return err
	}
	report := validation.Judge(evidence)
	if err := writeValidation(cmd.OutOrStdout(), report, opt.format); err != nil {
		return err
	}
	if failed := report.Failed(); len(failed) > 0 {
		return fmt.Errorf("stage %s does not hold: %s", o.stage, strings.Join(failed, ", "))
	}
	return nil
}

// isTerminal says whether a person looks at w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// settledEvidence gathers evidence until nothing is under way any more, or patience ends.
func settledEvidence(ctx context.Context, reader *validation.Reader, opt validateOptions, bar *progressbar.ProgressBar) (validation.Evidence, error) {
	start := time.Now()
	for {
		now := time.Now()
		evidence, err := reader.Read(ctx, validation.Window{From: start.Add(-opt.since), To: now})
		if err != nil || !evidence.Underway() || now.Sub(start) > opt.wait {
			return evidence, err
		}
		_ = bar.Add(1) // the bar is only a courtesy
		select {
		case <-ctx.Done():
			return evidence, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func writeValidation(out io.Writer, report validation.Report, format string) error {
	switch format {
	case "markdown":
		return report.WriteMarkdown(out)
	case "json":
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(report)
	default:
		return report.WriteTable(out)
	}
}
