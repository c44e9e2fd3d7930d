package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/archive"
	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/rules"
	"github.com/the-alchemiser/alchemiser/internal/naming"
)

// replayOptions are the flags of `alchemiser replay`.
type replayOptions struct {
	from, to  string
	rules     []string
	execution bool
	dryRun    bool
	agree     consent
}

func newReplayCommand() *cobra.Command {
	var opts replayOptions
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Send events of the past again, from the archive",
		Long: `Send events of the past again, from the archive, and say what the functions did with them. Replays never trade: functions that act
ignore replayed events and say so in their log, the monitor records them in the timeline, and execution's rule does not even match them.

Times are as 2026-03-02T20:45:00Z, or as far back as -2h. What is counted beforehand are the events in the log group of all events, as
nobody can look into an archive. An interrupt cancels the replay.`,
		Example: "  alchemiser --stage prod replay --from 2026-03-02T20:40:00Z --to 2026-03-02T21:00:00Z --dry-run",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return replay(cmd, opts) },
	}
	cmd.Flags().StringVar(&opts.from, "from", "", "begin of the time whose events come again")
	cmd.Flags().StringVar(&opts.to, "to", "", "end of it; without it now")
	cmd.Flags().StringSliceVar(&opts.rules, "rule", []string{"strategy", "portfolio", "monitor"}, "rules that match the events again, by name or function")
	cmd.Flags().BoolVar(&opts.execution, "include-execution", false, "execution's rule as well; it refuses replays all the same")
	cmd.Flags().BoolVar(&opts.dryRun, "dry-run", false, "only say what would come")
	opts.agree.flags(cmd)
	cmd.Flags().Bool("json", false, "print JSON")
	_ = cmd.RegisterFlagCompletionFunc("rule", cobra.FixedCompletions(functionNames(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.MarkFlagRequired("from")
	return cmd
}

// replayReport is what a replay was asked for, and what came of it.
type replayReport struct {
	Name    string                  `json:"name,omitempty"`
	From    time.Time               `json:"from"`
	To      time.Time               `json:"to"`
	Rules   []string                `json:"rules"`
	Archive archive.Holdings        `json:"archive"`
	Covers  map[string]int          `json:"covers"`
	End     *archive.Progress       `json:"end,omitempty"`
	Again   map[string]int          `json:"again,omitempty"`
	Ignored map[naming.Function]int `json:"ignored,omitempty"`
}

func replay(cmd *cobra.Command, opts replayOptions) error {
	now := time.Now()
	from, err := moment(opts.from, now)
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	to, err := moment(opts.to, now)
	if err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	if !from.Before(to) {
		return fmt.Errorf("--from %s is not before --to %s", from.Format(time.RFC3339), to.Format(time.RFC3339))
	}
	o, err := newOperator(cmd)
	if err != nil {
		return err
	}
	ctx, past := cmd.Context(), archive.New(o.cloud, o.stage)
	r := replayReport{From: from, To: to}
	if r.Rules, err = replayedRules(o, opts); err != nil {
		return err
	}
	if r.Archive, err = past.Describe(ctx); err != nil {
		return err
	}
	if r.Covers, err = past.Count(ctx, from, to, ""); err != nil {
		return err
	}
	say := cmd.ErrOrStderr()
	writeCovers(say, r)
	if opts.dryRun || len(r.Covers) == 0 {
		return o.print(r, func() error { return nil })
	}
	r.Name = fmt.Sprintf("alchemiser-%s-%s", o.stage, now.UTC().Format("20060102T150405Z"))
	if err := opts.agree.ask(cmd, o.account, fmt.Sprintf("replay these events as %s to %s", r.Name, strings.Join(r.Rules, ", "))); err != nil {
		return err
	}
	if err := past.Start(ctx, r.Name, from, to, r.Rules...); err != nil {
		return err
	}
	end, err := past.Follow(ctx, r.Name, replayProgress(say, from, to))
	if err != nil {
		return err
	}
	r.End = &end
	if err := settle(cmd, past, &r, now); err != nil {
		return err
	}
	if err := o.print(r, func() error { writeReplayed(cmd.OutOrStdout(), r); return nil }); err != nil {
		return err
	}
	if end.State != "COMPLETED" {
		return fmt.Errorf("replay %s is %s: %s", r.Name, end.State, end.Reason)
	}
	return nil
}

// moment reads a time, or how far it is back from now.
func moment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return now, nil
	}
	if back, err := time.ParseDuration(text); err == nil && back <= 0 {
		return now.Add(back), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q: want a time as 2026-03-02T20:45:00Z, or as far back as -2h", text)
	}
	return at, nil
}

// replayedRules returns the names of the rules that match again. Execution's must be asked for by its own flag.
func replayedRules(o *operator, opts replayOptions) ([]string, error) {
	board := rules.New(o.cloud, o.stage)
	execution := board.Name(string(naming.Execution))
	var names []string
	for _, meant := range opts.rules {
		name := board.Name(meant)
		if name == execution && !opts.execution {
			return nil, fmt.Errorf("--rule %s: give --include-execution as well; it refuses replays all the same", meant)
		}
		names = append(names, name)
	}
	if opts.execution {
		names = append(names, execution)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func writeCovers(out io.Writer, r replayReport) {
	fmt.Fprintf(out, "Archive: %s, %d events in all, kept for %d days.\nFrom %s to %s passed:\n", r.Archive.State, r.Archive.Events, r.Archive.RetentionDays,
		r.From.UTC().Format(time.RFC3339), r.To.UTC().Format(time.RFC3339))
	writeCounts(out, "event", r.Covers)
}

func writeCounts[K ~string](out io.Writer, what string, counts map[K]int) {
	if len(counts) == 0 {
		fmt.Fprintln(out, "  nothing")
		return
	}
	t := newTable(out, what, "number")
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		t.AppendRow(table.Row{name, counts[name]})
	}
	t.Render()
}

// replayProgress shows how far a replay has come: a bar on a terminal, nothing elsewhere.
func replayProgress(out io.Writer, from, to time.Time) func(archive.Progress) {
	if f, ok := out.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return func(archive.Progress) {}
	}
	bar := progressbar.NewOptions64(to.Sub(from).Milliseconds(), progressbar.OptionSetWriter(out), progressbar.OptionSetWidth(30),
		progressbar.OptionSetPredictTime(false), progressbar.OptionOnCompletion(func() { fmt.Fprintln(out) }))
	return func(p archive.Progress) {
		bar.Describe(p.State)
		done := p.Last.Sub(from).Milliseconds()
		if p.Over() {
			done = to.Sub(from).Milliseconds()
		}
		_ = bar.Set64(max(0, done)) // a bar that cannot be drawn stops nothing
	}
}

// settlePatience is how long functions may take to log what they did with the last event.
const settlePatience = 10 * time.Second

// settle waits until what came of the replay does not change any more.
func settle(cmd *cobra.Command, past *archive.Archive, r *replayReport, since time.Time) error {
	ctx := cmd.Context()
	for end, before := time.Now().Add(settlePatience), -1; ; {
		var err error
		if r.Again, err = past.Count(ctx, since.Add(-time.Minute), time.Now().Add(time.Minute), r.Name); err != nil {
			return err
		}
		if r.Ignored, err = past.Ignored(ctx, r.Name, since.Add(-time.Minute)); err != nil {
			return err
		}
		total := 0
		for _, n := range r.Ignored {
			total += n
		}
		for _, n := range r.Again {
			total += n
		}
		if total == before && total > 0 || time.Now().After(end) {
			return nil
		}
		before = total
		select {
		case <-ctx.Done():
			return errors.Join(errors.New("interrupted while the functions were asked what they did; the replay is over"), ctx.Err())
		case <-time.After(time.Second):
		}
	}
}

func writeReplayed(out io.Writer, r replayReport) {
	fmt.Fprintf(out, "Replay %s is %s. Recorded again by the monitor and the event log:\n", r.Name, r.End.State)
	writeCounts(out, "event", r.Again)
	fmt.Fprintln(out, "Ignored, as replays have no effects:")
	writeCounts(out, "function", r.Ignored)
}
