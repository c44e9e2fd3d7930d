// Package report tells what happened in a workflow, for people: the timeline, the signals with their reasons, the plan,
// the fills, the positions before and after, and the trace as a waterfall. It only formats; who fetches the parts is
// the caller's business.
package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// Step is one entry of a workflow's timeline.
type Step struct {
	At      time.Time `json:"at"`
	Event   string    `json:"event"`
	Source  string    `json:"source"`
	Summary string    `json:"summary"`
}

// Workflow is everything that is known about one run. Empty parts are left out of the report.
type Workflow struct {
	CorrelationID string `json:"correlation_id"`
	Timeline      []Step `json:"timeline"`
	// Events are the events of the run in any order; only the last of each type is shown.
	Events []events.Event `json:"events"`
	Trace  Trace          `json:"trace,omitzero"`
}

// Write writes the whole report to w.
func Write(w io.Writer, wf Workflow) error {
	p := &printer{w: w}
	p.timeline(wf.Timeline)
	for _, e := range wf.Events {
		if signals, ok := e.Payload.(events.SignalGenerated); ok {
			p.signals(signals)
		}
	}
	for _, e := range wf.Events {
		if plan, ok := e.Payload.(events.RebalancePlanned); ok {
			p.plan(plan)
		}
	}
	for _, e := range wf.Events {
		if fills, ok := e.Payload.(events.TradeExecuted); ok {
			p.fills(fills)
			p.positions(planOf(wf.Events), fills)
		}
	}
	p.waterfall(wf.Trace, BarWidth)
	return p.err
}

func planOf(es []events.Event) events.RebalancePlanned {
	var plan events.RebalancePlanned
	for _, e := range es {
		if p, ok := e.Payload.(events.RebalancePlanned); ok {
			plan = p
		}
	}
	return plan
}

// printer remembers the first error, so that the parts need not.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func (p *printer) heading(title string) {
	p.printf("\n%s\n%s\n", title, strings.Repeat("─", text.StringWidthWithoutEscSequences(title)))
}

// newTable returns a table without frames; the columns named in right hold figures.
func newTable(header table.Row, right ...int) table.Writer {
	t := table.NewWriter()
	style := table.StyleLight
	style.Options = table.OptionsNoBordersAndSeparators
	style.Format.Header = text.FormatDefault
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	t.SetStyle(style)
	t.AppendHeader(header)
	configs := make([]table.ColumnConfig, 0, len(right))
	for _, n := range right {
		configs = append(configs, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(configs)
	t.SuppressTrailingSpaces()
	return t
}

func (p *printer) table(t table.Writer) { p.printf("%s\n", t.Render()) }
