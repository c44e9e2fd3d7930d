package health

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// columns is the width that a screen surely has.
const columns = 100

// Write writes s as one screen of 100 columns.
func (s Status) Write(w io.Writer) error {
	t := plain()
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 2, WidthMax: columns - 16, WidthMaxEnforcer: text.WrapSoft}})
	t.AppendRows([]table.Row{
		{"stage", fmt.Sprintf("%s on account %s, %s, at %s", s.Stage, s.Account, s.Region, s.At.Format("2006-01-02 15:04:05 UTC"))},
		{"functions", s.functions()},
		{"trading", s.trading()},
		{"rules off", orNone(s.RulesOff)},
		{"next run", s.next()},
		{"portfolio", s.portfolio()},
		{"dead letters", s.letters()},
		{"alarms", s.alarms()},
	})
	for _, trouble := range s.Troubles {
		t.AppendRow(table.Row{"trouble", trouble})
	}
	if _, err := fmt.Fprintf(w, "%s\n\n", t.Render()); err != nil {
		return err
	}
	if len(s.Workflows) == 0 {
		_, err := fmt.Fprintf(w, "No workflows in the last %d days.\n", daysOfWorkflows)
		return err
	}
	runs := plain()
	runs.AppendHeader(table.Row{"started (UTC)", "state", "date", "last workflows"})
	for _, f := range s.Workflows {
		runs.AppendRow(table.Row{f.Started.Format("2006-01-02 15:04:05"), strings.ReplaceAll(string(f.State), "_", " "), f.TradingDate, f.ID + "\n" + text.WrapSoft(f.Last, columns-48)})
	}
	_, err := fmt.Fprintln(w, runs.Render())
	return err
}

// plain returns a table without frames.
func plain() table.Writer {
	t := table.NewWriter()
	style := table.StyleLight
	style.Options = table.OptionsNoBordersAndSeparators
	style.Format.Header = text.FormatDefault
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	return t
}

const unknown = "unknown"

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func (s Status) functions() string {
	if len(s.Functions) == 0 {
		return unknown
	}
	var all []string
	for _, f := range s.Functions {
		all = append(all, f.Name+" "+f.Version)
	}
	return fmt.Sprintf("mode %s; versions: %s", s.Mode, strings.Join(all, ", "))
}

func (s Status) trading() string {
	switch s.Trading {
	case "":
		return unknown
	case "off":
		return "OFF: no order goes out; `alchemiser trading on` switches it on"
	default:
		return s.Trading
	}
}

func (s Status) next() string {
	if s.Next == nil {
		return "none: no schedule is on that meets the end of a session"
	}
	return fmt.Sprintf("%s ET, in %s", s.Next.At.Format("Mon 2 Jan 15:04"), about(s.Next.At.Sub(s.At)))
}

func (s Status) portfolio() string {
	if s.Portfolio == nil {
		return "no trade yet, or none in the last two weeks"
	}
	return fmt.Sprintf("%s, %s ago", market.USD(s.Portfolio.USD), about(s.At.Sub(s.Portfolio.At)))
}

// about is d as a person says it.
func about(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}

func (s Status) letters() string {
	if s.DeadLetters == nil {
		return unknown
	}
	var some []string
	for _, queue := range slices.Sorted(maps.Keys(s.DeadLetters)) {
		if n := s.DeadLetters[queue]; n > 0 {
			some = append(some, fmt.Sprintf("%s %d", queue, n))
		}
	}
	return orNone(some)
}

func (s Status) alarms() string {
	if len(s.Alarms) == 0 {
		return "there are none"
	}
	counts := map[string]int{}
	var loud []string
	for _, a := range s.Alarms {
		counts[a.State]++
		if a.State == "ALARM" {
			loud = append(loud, fmt.Sprintf("%s (for %s)", a.Name, about(s.At.Sub(a.Since))))
		}
	}
	var parts []string
	if len(loud) > 0 {
		parts = append(parts, "ALARM: "+strings.Join(loud, ", "))
	}
	for state, word := range map[string]string{"OK": "ok", "INSUFFICIENT_DATA": "without data"} {
		if counts[state] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[state], word))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, "; ")
}
