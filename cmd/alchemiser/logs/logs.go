// Package logs reads what all functions of a stage logged about one workflow, in one stream by time.
package logs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"golang.org/x/sync/errgroup"

	"github.com/the-alchemiser/alchemiser/internal/naming"
)

// Line is a line of a function's log.
type Line struct {
	At       time.Time `json:"at"`
	Function string    `json:"function"`
	// Level is "info" or "error"; it is "report" for Lambda's own report about an invocation.
	Level   string `json:"level"`
	Message string `json:"message"`
	// Fields are what else the line says, by name, without what every line of the workflow says.
	Fields []Field `json:"fields,omitempty"`
	// Raw is the line as it is.
	Raw string `json:"raw"`

	id, request string
}

// Field is a named value of a line.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Reader reads the logs of functions. It is safe for concurrent use.
type Reader struct {
	stage     naming.Stage
	functions []naming.Function
	logs      *cloudwatchlogs.Client
}

// New returns a reader of the logs of the functions named; none means all.
func New(cfg aws.Config, stage naming.Stage, functions ...naming.Function) (*Reader, error) {
	for _, f := range functions {
		if !slices.Contains(naming.Functions(), f) {
			return nil, fmt.Errorf("there is no function %q: want one of %v", f, naming.Functions())
		}
	}
	if len(functions) == 0 {
		functions = naming.Functions()
	}
	return &Reader{stage: stage, functions: functions, logs: cloudwatchlogs.NewFromConfig(cfg)}, nil
}

// Read returns the lines about a workflow since a time, by time. Figures, which are lines of the log too, are left out.
func (r *Reader) Read(ctx context.Context, correlationID string, since time.Time) ([]Line, error) {
	found := make([][]Line, len(r.functions))
	group, ctx := errgroup.WithContext(ctx)
	for i, f := range r.functions {
		group.Go(func() (err error) {
			found[i], err = r.read(ctx, f, correlationID, since)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	lines := slices.Concat(found...)
	slices.SortStableFunc(lines, func(a, b Line) int { return a.At.Compare(b.At) })
	return lines, nil
}

// read reads the log of one function: what carries the correlation id, and Lambda's reports about the requests that did.
func (r *Reader) read(ctx context.Context, f naming.Function, correlationID string, since time.Time) ([]Line, error) {
	lines, err := r.filter(ctx, f, fmt.Sprintf("{ $.correlation_id = %q }", correlationID), since)
	if err != nil {
		return nil, err
	}
	requests := map[string]bool{}
	for _, l := range lines {
		if l.request != "" {
			requests[l.request] = true
		}
	}
	lines = slices.DeleteFunc(lines, func(l Line) bool { return l.Message == "metrics" })
	for _, request := range slices.Sorted(maps.Keys(requests)) {
		reports, err := r.filter(ctx, f, fmt.Sprintf("%q", "REPORT RequestId: "+request), since)
		if err != nil {
			return nil, err
		}
		lines = append(lines, reports...)
	}
	return lines, nil
}

func (r *Reader) filter(ctx context.Context, f naming.Function, pattern string, since time.Time) ([]Line, error) {
	var lines []Line
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(r.logs, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: aws.String(r.stage.FunctionLog(f)), FilterPattern: &pattern, StartTime: aws.Int64(since.UnixMilli()),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		var none *types.ResourceNotFoundException
		if errors.As(err, &none) {
			return nil, fmt.Errorf("log group %s: is the stage deployed? %w", r.stage.FunctionLog(f), err)
		}
		if err != nil {
			return nil, fmt.Errorf("read log group %s: %w", r.stage.FunctionLog(f), err)
		}
		for _, e := range page.Events {
			lines = append(lines, newLine(f, e))
		}
	}
	return lines, nil
}

func newLine(f naming.Function, e types.FilteredLogEvent) Line {
	l := Line{At: time.UnixMilli(aws.ToInt64(e.Timestamp)), Function: string(f), Level: "report", Raw: aws.ToString(e.Message), id: aws.ToString(e.EventId)}
	var fields map[string]any
	if json.Unmarshal([]byte(l.Raw), &fields) != nil {
		l.Message = strings.Join(strings.Fields(l.Raw), " ")
		return l
	}
	take := func(name string) string {
		text, _ := fields[name].(string)
		delete(fields, name)
		return text
	}
	l.Level, l.Message, l.request = cmp.Or(take("level"), "info"), take("message"), take("request_id")
	if at, err := time.Parse("2006-01-02T15:04:05.000Z", take("time")); err == nil {
		l.At = at
	}
	for _, known := range []string{"function", "version", "correlation_id", "trace_id", "causation_id", "stack"} {
		delete(fields, known)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		l.Fields = append(l.Fields, Field{name, fmt.Sprint(fields[name])})
	}
	return l
}

// pollInterval is how often a log that is followed is asked for new lines.
const pollInterval = time.Second

// Follow shows the lines about a workflow since a time, and those that come, until ctx ends. Lines of one answer are in order;
// one that CloudWatch lists late comes late.
func (r *Reader) Follow(ctx context.Context, correlationID string, since time.Time, show func(Line)) error {
	seen := map[string]bool{}
	for {
		lines, err := r.Read(ctx, correlationID, since)
		if ctx.Err() != nil {
			return nil // interrupted, as was meant
		}
		if err != nil {
			return err
		}
		for _, l := range lines {
			if !seen[l.id] {
				seen[l.id] = true
				show(l)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pollInterval):
		}
	}
}
