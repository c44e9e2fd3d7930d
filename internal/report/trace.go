package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
)

// Trace is an X-Ray trace: segments with their subsegments as a tree.
type Trace struct {
	ID    string  `json:"id"`
	Roots []*Span `json:"roots"`
}

// Span is one segment or subsegment.
type Span struct {
	ID     string    `json:"id"`
	Name   string    `json:"name"`
	Origin string    `json:"origin,omitempty"`
	Start  time.Time `json:"start"`
	End    time.Time `json:"end"`
	Failed bool      `json:"failed,omitempty"`
	// Call says that the span is a call of another service.
	Call bool `json:"call,omitempty"`
	// Open says that the span had not ended when it was read.
	Open     bool    `json:"open,omitempty"`
	Children []*Span `json:"children,omitempty"`
}

// document is an X-Ray segment document.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
type document struct {
	ID          string     `json:"id"`
	ParentID    string     `json:"parent_id"`
	Name        string     `json:"name"`
	Origin      string     `json:"origin"`
	Namespace   string     `json:"namespace"`
	Start       float64    `json:"start_time"`
	End         float64    `json:"end_time"`
	Error       bool       `json:"error"`
	Fault       bool       `json:"fault"`
	InProgress  bool       `json:"in_progress"`
	Subsegments []document `json:"subsegments"`
}

// ParseTrace joins the segment documents of one trace, as BatchGetTraces returns them, into a tree. A segment whose
// parent is not among them is a root.
func ParseTrace(id string, documents []string) (Trace, error) {
	spans := map[string]*Span{}
	parents := map[string]string{}
	var order []string
	var add func(d document, parent string)
	add = func(d document, parent string) {
		if spans[d.ID] == nil { // a segment may be sent again when it is complete
			order = append(order, d.ID)
		}
		spans[d.ID] = &Span{
			ID: d.ID, Name: d.Name, Origin: d.Origin, Start: seconds(d.Start), End: seconds(max(d.Start, d.End)), Failed: d.Error || d.Fault,
			Call: d.Namespace != "", Open: d.InProgress,
		}
		parents[d.ID] = parent
		for _, sub := range d.Subsegments {
			add(sub, d.ID)
		}
	}
	for i, raw := range documents {
		var d document
		if err := json.Unmarshal([]byte(raw), &d); err != nil {
			return Trace{}, fmt.Errorf("trace %s: segment %d: %w", id, i, err)
		}
		add(d, d.ParentID) // what is nested belongs where it stands, whatever parent it names
	}
	trace := Trace{ID: id}
	for _, id := range order {
		if parent, ok := spans[parents[id]]; ok && parent != spans[id] {
			parent.Children = append(parent.Children, spans[id])
		} else {
			trace.Roots = append(trace.Roots, spans[id])
		}
	}
	byStart := func(a, b *Span) int { return a.Start.Compare(b.Start) }
	slices.SortFunc(trace.Roots, byStart)
	for _, s := range spans {
		slices.SortFunc(s.Children, byStart)
	}
	return trace, nil
}

// Complete says whether every span has ended and the workflow's last word, the monitor's, is in the trace.
func (t Trace) Complete() bool {
	ended, heard := true, false
	t.walk(func(s *Span, _ int) {
		ended = ended && !s.Open
		heard = heard || s.function() && strings.Contains(s.Name, "monitor")
	})
	return ended && heard
}

func seconds(s float64) time.Time {
	whole, fraction := math.Modf(s)
	return time.Unix(int64(whole), int64(fraction*1e9)).UTC()
}

// BarWidth is the width of the bars in characters, unless another is asked for.
const BarWidth = 40

// WriteTrace writes a trace as a waterfall with bars of a width, which is at least 1, and how much of its time has a name.
func WriteTrace(w io.Writer, trace Trace, width int) error {
	p := &printer{w: w}
	p.waterfall(trace, width)
	return p.err
}

func (p *printer) waterfall(trace Trace, width int) {
	if len(trace.Roots) == 0 {
		return
	}
	p.heading("Trace " + trace.ID)
	start, end := trace.span()
	inFunctions := map[string]time.Duration{}
	var names []string
	trace.walk(func(s *Span, _ int) {
		if s.function() {
			if _, seen := inFunctions[s.Name]; !seen {
				names = append(names, s.Name)
			}
			inFunctions[s.Name] += s.End.Sub(s.Start)
		}
	})
	whole := max(end.Sub(start), time.Millisecond)
	t := newTable(table.Row{"span", "at", "took", ""}, 2, 3)
	trace.grouped().walk(func(s *Span, depth int) {
		name := strings.Repeat("  ", depth) + s.Name
		if kind, ok := strings.CutPrefix(s.Origin, "AWS::"); ok {
			name += " [" + kind + "]"
		}
		if s.Failed {
			name += " ✗"
		}
		if s.Open {
			name += " …"
		}
		t.AppendRow(table.Row{name, milliseconds(s.Start.Sub(start)), milliseconds(s.End.Sub(s.Start)), bar(s.Start.Sub(start), s.End.Sub(s.Start), whole, width)})
	})
	p.table(t)
	p.printf("\n%s from the first function to the last.", milliseconds(whole))
	for _, name := range names {
		p.printf(" %s: %s.", name, milliseconds(inFunctions[name]))
	}
	p.printf("\n%s of the time lies in spans that have a name.", percentOf(trace.Covered()))
	if idle := whole - trace.union(func(s *Span, _ int) bool { return s.function() }); idle >= time.Millisecond && len(names) > 0 {
		p.printf(" In %s of it no function was running: Lambda was starting one or waiting to try again, or events were on their way.", milliseconds(idle))
	}
	p.printf("\n")
}

// function says that the span is a function's own: the time in which its environment worked.
func (s *Span) function() bool { return s.Origin == "AWS::Lambda::Function" }

// span returns when the trace, which has a root, began and ended.
func (t Trace) span() (start, end time.Time) {
	start, end = t.Roots[0].Start, t.Roots[0].End
	t.walk(func(s *Span, _ int) { start, end = earlier(start, s.Start), later(end, s.End) })
	return start, end
}

// Covered returns how much of the trace's time, from 0 to 1, lies in spans below its roots: Lambda's dwell and attempts, the functions' own
// segments, and what these say was done.
func (t Trace) Covered() float64 {
	if len(t.Roots) == 0 {
		return 0
	}
	start, end := t.span()
	if whole := end.Sub(start); whole > 0 {
		return float64(t.union(func(_ *Span, depth int) bool { return depth > 0 })) / float64(whole)
	}
	return 1
}

// union returns the time in which at least one of the spans chosen was open.
func (t Trace) union(chosen func(s *Span, depth int) bool) time.Duration {
	var spans []*Span
	t.walk(func(s *Span, depth int) {
		if chosen(s, depth) {
			spans = append(spans, s)
		}
	})
	slices.SortFunc(spans, func(a, b *Span) int { return a.Start.Compare(b.Start) })
	var covered time.Duration
	var upTo time.Time
	for _, s := range spans {
		if from := later(upTo, s.Start); s.End.After(from) {
			covered += s.End.Sub(from)
			upTo = s.End
		}
	}
	return covered
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func percentOf(fraction float64) string { return fmt.Sprintf("%.1f %%", fraction*100) }

// maxCalls is how many calls in a row, by service, a waterfall shows one by one.
const maxCalls = 4

// grouped returns the trace with neighbouring calls of one service joined into one span: "DynamoDB ×12"; and where calls
// of several services alternate for long, all of them: "DynamoDB ×12, SSM ×3". It leaves t as it is.
func (t Trace) grouped() Trace {
	return Trace{ID: t.ID, Roots: group(t.Roots)}
}

func group(spans []*Span) []*Span {
	var out []*Span
	for i := 0; i < len(spans); {
		calls := 0
		for i+calls < len(spans) && spans[i+calls].Call && len(spans[i+calls].Children) == 0 {
			calls++
		}
		if calls == 0 {
			whole := *spans[i]
			whole.Children = group(spans[i].Children)
			out = append(out, &whole)
			i++
			continue
		}
		var byService []*Span
		for run := spans[i : i+calls]; len(run) > 0; {
			same := 1
			for same < len(run) && run[same].Name == run[0].Name {
				same++
			}
			byService = append(byService, join(run[:same]))
			run = run[same:]
		}
		if len(byService) > maxCalls {
			byService = []*Span{join(spans[i : i+calls])}
		}
		out = append(out, byService...)
		i += calls
	}
	return out
}

// join makes one span of calls that follow one another.
func join(calls []*Span) *Span {
	joined := *calls[0]
	count := map[string]int{}
	var names []string
	for _, s := range calls {
		if count[s.Name] == 0 {
			names = append(names, s.Name)
		}
		count[s.Name]++
		joined.Failed, joined.Open = joined.Failed || s.Failed, joined.Open || s.Open
		if s.End.After(joined.End) {
			joined.End = s.End
		}
	}
	for i, name := range names {
		if n := count[name]; n > 1 {
			names[i] = fmt.Sprintf("%s ×%d", name, n)
		}
	}
	joined.Name = strings.Join(names, ", ")
	return &joined
}

func (t Trace) walk(visit func(s *Span, depth int)) {
	var walk func(s *Span, depth int)
	walk = func(s *Span, depth int) {
		visit(s, depth)
		for _, child := range s.Children {
			walk(child, depth+1)
		}
	}
	for _, root := range t.Roots {
		walk(root, 0)
	}
}

// bar draws a part of the whole with so many characters.
func bar(offset, length, whole time.Duration, characters int) string {
	share := float64(characters) / float64(whole)
	from := min(int(float64(offset)*share), characters-1)
	width := max(1, min(int(math.Ceil(float64(length)*share)), characters-from))
	return strings.Repeat("·", from) + strings.Repeat("█", width) + strings.Repeat("·", characters-from-width)
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
