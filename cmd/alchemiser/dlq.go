package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/deadletters"
)

func newDLQCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dlq",
		Short: "Look after the dead letter queues",
		Long: `Look after the dead letter queues: one for each function, and one of the bus for what topics, log groups and schedules did
not take.`,
	}
	cmd.AddCommand(newDLQListCommand(), newDLQShowCommand(), newDLQRedriveCommand(), newDLQPurgeCommand(), newDLQExportCommand())
	return cmd
}

// letterChoice says which letters a command is about.
type letterChoice struct {
	functions []string
	id        string
}

func (c *letterChoice) flags(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&c.functions, "function", nil, "queues to look at: "+strings.Join(deadletters.Names(), ", ")+"; without it all")
	cmd.Flags().StringVar(&c.id, "id", "", "only this event, message or workflow")
	_ = cmd.RegisterFlagCompletionFunc("function", cobra.FixedCompletions(deadletters.Names(), cobra.ShellCompDirectiveNoFileComp))
}

// withLetters collects the letters of the choice, lets do work on them, and then lets others see what is left. do returns
// the letters that are gone.
func (c *letterChoice) withLetters(o *operator, do func(*deadletters.Box, []deadletters.Letter) (gone []deadletters.Letter, err error)) (err error) {
	ctx := o.cmd.Context()
	box, err := deadletters.Open(ctx, o.cloud, o.stage, c.functions...)
	if err != nil {
		return err
	}
	all, err := box.Collect(ctx)
	var gone []deadletters.Letter
	defer func() {
		left := slices.DeleteFunc(all, func(l deadletters.Letter) bool {
			return slices.ContainsFunc(gone, func(g deadletters.Letter) bool { return g.MessageID == l.MessageID })
		})
		err = errors.Join(err, box.Release(context.WithoutCancel(ctx), left)) // an interrupted command hides nothing either
	}()
	if err != nil {
		return err
	}
	chosen := slices.Clone(all)
	if c.id != "" {
		chosen = slices.DeleteFunc(chosen, func(l deadletters.Letter) bool { return !l.Named(c.id) })
		if len(chosen) == 0 {
			return fmt.Errorf("none of the %d dead letters is of %s", len(all), c.id)
		}
	}
	gone, err = do(box, chosen)
	return err
}

func newDLQListCommand() *cobra.Command {
	var choice letterChoice
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the dead letters, each with the reason in one line",
		Long:    "List the dead letters, oldest first, each with the reason in one line. They are hidden from other readers while they are read, for a moment.",
		Example: "  alchemiser --stage prod dlq list --function execution",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := newOperator(cmd)
			if err != nil {
				return err
			}
			return choice.withLetters(o, func(_ *deadletters.Box, letters []deadletters.Letter) ([]deadletters.Letter, error) {
				return nil, o.print(emptyNotNull(letters), func() error { writeLetters(cmd.OutOrStdout(), letters); return nil })
			})
		},
	}
	choice.flags(cmd)
	cmd.Flags().Bool("json", false, "print JSON, with the messages as they are")
	return cmd
}

// emptyNotNull makes JSON of no elements a list.
func emptyNotNull[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func writeLetters(out io.Writer, letters []deadletters.Letter) {
	if len(letters) == 0 {
		fmt.Fprintln(out, "No dead letters.")
		return
	}
	t := newTable(out, "since", "queue", "event", "id", "workflow", "why")
	t.SetColumnConfigs([]table.ColumnConfig{{Name: "why", WidthMax: 70, WidthMaxEnforcer: text.WrapSoft}, {Name: "workflow", WidthMax: 40}})
	for _, l := range letters {
		id := l.EventID
		if id == "" || id == "unknown" {
			id = l.MessageID
		}
		t.AppendRow(table.Row{l.SentAt.Format("2006-01-02 15:04:05"), l.Queue, l.EventType, id, l.CorrelationID, l.Why})
	}
	t.Render()
	fmt.Fprintf(out, "%s. Show one with `dlq show ID`; give them back with `dlq redrive`.\n", count(len(letters), "dead letter"))
}

func newDLQShowCommand() *cobra.Command {
	var choice letterChoice
	cmd := &cobra.Command{
		Use:     "show ID",
		Short:   "Show a dead letter whole: of an event, a message or a workflow",
		Example: "  alchemiser --stage prod dlq show 6f1c0f6e-1f6f-5d0c-8d1c-6b8f6b3b7d1a",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			choice.id = args[0]
			o, err := newOperator(cmd)
			if err != nil {
				return err
			}
			return choice.withLetters(o, func(_ *deadletters.Box, letters []deadletters.Letter) ([]deadletters.Letter, error) {
				return nil, o.print(letters, func() error { return writeWholeLetters(cmd.OutOrStdout(), letters) })
			})
		},
	}
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}

func writeWholeLetters(out io.Writer, letters []deadletters.Letter) error {
	for _, l := range letters {
		fmt.Fprintf(out, "queue     %s\nsince     %s\nevent     %s %s\nworkflow  %s\nshape     %s, %s\nwhy       %s\nmessage   %s\n",
			l.Queue, l.SentAt.Format(time.RFC3339), l.EventType, l.EventID, l.CorrelationID, l.Shape, count(l.Attempts, "attempt"), l.Why, l.MessageID)
		for _, name := range slices.Sorted(maps.Keys(l.Attributes)) {
			fmt.Fprintf(out, "  %s: %s\n", name, l.Attributes[name])
		}
		var body any
		if json.Unmarshal([]byte(l.Body), &body) != nil {
			fmt.Fprintf(out, "%s\n\n", l.Body)
			continue
		}
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(body); err != nil {
			return err
		}
		fmt.Fprintln(out)
	}
	return nil
}

func newDLQRedriveCommand() *cobra.Command {
	var choice letterChoice
	var agree consent
	cmd := &cobra.Command{
		Use:   "redrive",
		Short: "Give dead letters back to the function that failed on them",
		Long: `Give dead letters back to the function that failed on them. Other functions see nothing of it. What the function has done
before is not done twice, and what failed for a reason that has not been mended fails again and comes back.

Letters of the bus's queue stay: no function has failed on them.`,
		Example: "  alchemiser --stage prod dlq redrive --function execution",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := newOperator(cmd)
			if err != nil {
				return err
			}
			return choice.withLetters(o, func(box *deadletters.Box, letters []deadletters.Letter) ([]deadletters.Letter, error) {
				if len(choice.functions) == 0 && choice.id == "" { // those that nobody asked for by name
					letters = slices.DeleteFunc(letters, func(l deadletters.Letter) bool { return l.Queue == deadletters.Bus })
				}
				if len(letters) == 0 {
					return nil, o.print([]redriven{}, func() error { fmt.Fprintln(cmd.OutOrStdout(), "No dead letters to redrive."); return nil })
				}
				if err := agree.ask(cmd, o.account, fmt.Sprintf("give %s back to the functions; one of execution may trade", count(len(letters), "event"))); err != nil {
					return nil, err
				}
				return redrive(o, box, letters)
			})
		},
	}
	choice.flags(cmd)
	agree.flags(cmd)
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}

// redriven is what became of a letter.
type redriven struct {
	Queue   string `json:"queue"`
	EventID string `json:"event_id"`
	Error   string `json:"error,omitempty"`
}

func redrive(o *operator, box *deadletters.Box, letters []deadletters.Letter) (gone []deadletters.Letter, err error) {
	var results []redriven
	var faults []error
	for _, l := range letters {
		result := redriven{Queue: l.Queue, EventID: l.EventID}
		if err := box.Redrive(o.cmd.Context(), l); err != nil {
			result.Error = err.Error()
			faults = append(faults, err)
		} else {
			gone = append(gone, l)
		}
		results = append(results, result)
	}
	err = o.print(results, func() error {
		for i, r := range results {
			verdict := "given back to " + r.Queue
			if r.Error != "" {
				verdict = "stays: " + r.Error
			}
			fmt.Fprintf(o.cmd.OutOrStdout(), "%s %s: %s\n", letters[i].EventType, r.EventID, verdict)
		}
		fmt.Fprintf(o.cmd.OutOrStdout(), "%d of %d redriven. `workflow show` and `dlq list` say what comes of it.\n", len(gone), len(letters))
		return nil
	})
	return gone, errors.Join(append(faults, err)...)
}

func newDLQExportCommand() *cobra.Command {
	var choice letterChoice
	var file string
	cmd := &cobra.Command{
		Use:     "export",
		Short:   "Write dead letters to a file, one JSON object a line; they stay in the queue",
		Example: "  alchemiser --stage prod dlq export --out dead-letters.jsonl",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := newOperator(cmd)
			if err != nil {
				return err
			}
			return choice.withLetters(o, func(_ *deadletters.Box, letters []deadletters.Letter) ([]deadletters.Letter, error) {
				if err := exportLetters(file, letters); err != nil {
					return nil, err
				}
				return nil, o.print(exported{file, len(letters)}, func() error {
					fmt.Fprintf(cmd.OutOrStdout(), "Wrote %s to %s.\n", count(len(letters), "dead letter"), file)
					return nil
				})
			})
		},
	}
	choice.flags(cmd)
	cmd.Flags().StringVar(&file, "out", "dead-letters.jsonl", "file to write; it must not exist")
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}

// exported says what was written where.
type exported struct {
	File    string `json:"file"`
	Letters int    `json:"letters"`
}

// exportLetters writes a file that is complete, and on the disk, or an error.
func exportLetters(file string, letters []deadletters.Letter) (err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	lines := json.NewEncoder(f)
	for _, l := range letters {
		if err := lines.Encode(l); err != nil {
			return fmt.Errorf("export to %s: %w", file, err)
		}
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("export to %s: %w", file, err)
	}
	return nil
}

func newDLQPurgeCommand() *cobra.Command {
	var choice letterChoice
	var agree consent
	var file string
	cmd := &cobra.Command{
		Use:   "purge",
		Short: "Remove dead letters, after they have been written to a file",
		Long: `Remove dead letters. They are written to a file first, one JSON object a line, so that nothing is lost; only what was written
is removed, not what comes meanwhile.`,
		Example: "  alchemiser --stage prod dlq purge --function monitor --out purged.jsonl",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := newOperator(cmd)
			if err != nil {
				return err
			}
			return choice.withLetters(o, func(box *deadletters.Box, letters []deadletters.Letter) ([]deadletters.Letter, error) {
				if len(letters) == 0 {
					return nil, o.print(exported{}, func() error { fmt.Fprintln(cmd.OutOrStdout(), "No dead letters to remove."); return nil })
				}
				if file == "" {
					file = fmt.Sprintf("dead-letters-%s-%s.jsonl", o.stage, time.Now().UTC().Format("20060102T150405Z"))
				}
				if err := agree.ask(cmd, o.account, fmt.Sprintf("write %s to %s and remove them", count(len(letters), "dead letter"), file)); err != nil {
					return nil, err
				}
				if err := exportLetters(file, letters); err != nil {
					return nil, err
				}
				if err := box.Delete(cmd.Context(), letters); err != nil {
					return nil, err
				}
				return letters, o.print(exported{file, len(letters)}, func() error {
					fmt.Fprintf(cmd.OutOrStdout(), "Removed %s; what was removed is in %s.\n", count(len(letters), "dead letter"), file)
					return nil
				})
			})
		},
	}
	choice.flags(cmd)
	agree.flags(cmd)
	cmd.Flags().StringVar(&file, "out", "", "file to write, which must not exist; without it one is named after stage and time")
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}

// count is "1 dead letter", "2 dead letters".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
