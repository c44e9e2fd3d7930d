// Package validation judges whether a stage has kept its promises in a window of time: everything that was published was
// handled, fast enough, without errors and dead letters, and could be replayed. It reads by AWS's APIs alone and changes
// nothing, so it says the same of AWS and of the local endpoint.
package validation

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Verdict is what a check has come to.
type Verdict string

// The verdicts. What was not run is told and not counted.
const (
	Pass   Verdict = "pass"
	Fail   Verdict = "fail"
	NotRun Verdict = "not run"
)

// Check is one criterion.
type Check struct {
	Name      string  `json:"name"`
	Figure    string  `json:"figure"`
	Threshold string  `json:"threshold"`
	Verdict   Verdict `json:"verdict"`
	// Findings are the facts behind the figure, one line each: all that is wrong, and what is worth knowing.
	Findings []string `json:"findings,omitempty"`
}

// Report is what a stage has come to in a window.
type Report struct {
	Stage   string    `json:"stage"`
	Account string    `json:"account"`
	Region  string    `json:"region"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	// Versions are the functions' versions behind their alias, in the order of a workflow.
	Versions []Version `json:"versions"`
	Checks   []Check   `json:"checks"`
	// Holds says that no check has failed.
	Holds bool `json:"holds"`
}

// Version is what runs as a function.
type Version struct {
	Function string `json:"function"`
	Version  string `json:"version"`
}

// Failed returns the names of the checks that have failed.
func (r Report) Failed() []string {
	var names []string
	for _, c := range r.Checks {
		if c.Verdict == Fail {
			names = append(names, c.Name)
		}
	}
	return names
}

// maxFindings is how many findings of a check people are shown; the JSON has all.
const maxFindings = 10

// WriteTable writes r for a terminal.
func (r Report) WriteTable(w io.Writer) error {
	t := r.table()
	style := table.StyleLight
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	_, err := fmt.Fprintf(w, "%s\n%s\n%s%s\n", r.about(), t.Render(), r.findings("  "), r.verdict())
	return err
}

// WriteMarkdown writes r for a change ticket.
func (r Report) WriteMarkdown(w io.Writer) error {
	findings := r.findings("- ")
	if findings != "" {
		findings = "\n" + findings
	}
	_, err := fmt.Fprintf(w, "## Validation of stage %s\n\n%s\n\n%s\n%s\n**%s**\n", r.Stage, r.about(), r.table().RenderMarkdown(), findings, r.verdict())
	return err
}

func (r Report) table() table.Writer {
	t := table.NewWriter()
	t.AppendHeader(table.Row{"criterion", "figure", "threshold", "verdict"})
	for _, c := range r.Checks {
		t.AppendRow(table.Row{c.Name, c.Figure, c.Threshold, c.Verdict})
	}
	return t
}

func (r Report) about() string {
	var versions []string
	for _, v := range r.Versions {
		versions = append(versions, v.Function+" "+v.Version)
	}
	return fmt.Sprintf("Stage %s on account %s, %s; from %s to %s; versions: %s.",
		r.Stage, r.Account, r.Region, r.From.UTC().Format(time.RFC3339), r.To.UTC().Format(time.RFC3339), strings.Join(versions, ", "))
}

func (r Report) findings(bullet string) string {
	var all strings.Builder
	for _, c := range r.Checks {
		for i, f := range c.Findings {
			if i == maxFindings {
				fmt.Fprintf(&all, "%s%s: … and %d more; JSON has all\n", bullet, c.Name, len(c.Findings)-i)
				break
			}
			fmt.Fprintf(&all, "%s%s: %s\n", bullet, c.Name, f)
		}
	}
	return all.String()
}

func (r Report) verdict() string {
	if failed := r.Failed(); len(failed) > 0 {
		return "Does not hold: " + strings.Join(failed, ", ") + "."
	}
	return "All criteria hold."
}
