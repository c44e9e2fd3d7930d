package logs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/the-alchemiser/alchemiser/internal/naming"
)

// tail reads the log of one function and remembers what it has returned.
type tail struct {
	logs     *cloudwatchlogs.Client
	group    string
	function naming.Function
	seen     map[string]bool
	// pending are the invocations of which Lambda has not reported since they last wrote something.
	pending map[string]bool
}

func (r *Reader) tails() []*tail {
	var all []*tail
	for _, f := range r.functions {
		all = append(all, &tail{logs: r.logs, group: r.stage.FunctionLog(f), function: f, seen: map[string]bool{}, pending: map[string]bool{}})
	}
	return all
}

// next returns the lines since a time that are new: what carries the correlation id, and what Lambda says about the
// invocations that wrote it. Of an invocation that died it returns everything: its last words carry no id.
func (t *tail) next(ctx context.Context, correlationID string, since time.Time) ([]Line, error) {
	said, err := t.read(ctx, cloudwatchlogs.FilterLogEventsInput{
		StartTime: aws.Int64(since.UnixMilli()), FilterPattern: aws.String(fmt.Sprintf("{ $.correlation_id = %q }", correlationID)),
	})
	if err != nil {
		return nil, err
	}
	fresh := t.fresh(said)
	for _, l := range fresh {
		if l.request != "" {
			t.pending[l.request] = true
		}
	}
	fresh = slices.DeleteFunc(fresh, Line.noise)
	about, err := t.about(ctx, slices.Sorted(maps.Keys(t.pending)), since)
	if err != nil {
		return nil, err
	}
	return append(fresh, t.fresh(about)...), nil
}

// fresh returns the lines that were not returned before.
func (t *tail) fresh(lines []Line) []Line {
	return slices.DeleteFunc(lines, func(l Line) bool {
		again := t.seen[l.id]
		t.seen[l.id] = true
		return again
	})
}

// termsAtOnce is how many request ids go into one filter, which CloudWatch limits to 1,024 characters.
const termsAtOnce = 20

// about returns what Lambda says about invocations. Those that are reported are no longer pending.
func (t *tail) about(ctx context.Context, requests []string, since time.Time) ([]Line, error) {
	var all []Line
	for ids := range slices.Chunk(requests, termsAtOnce) {
		lines, err := t.read(ctx, cloudwatchlogs.FilterLogEventsInput{
			StartTime: aws.Int64(since.UnixMilli()), FilterPattern: aws.String(`?"` + strings.Join(ids, `" ?"`) + `"`),
		})
		if err != nil {
			return nil, err
		}
		begun := map[string]Line{}
		var last []Line // they come first: of lines of one moment, these are in order
		for _, l := range lines {
			where := l.request + " " + l.stream
			if l.kind == kindStart {
				begun[where] = l
			}
			if l.kind != kindReport {
				continue
			}
			delete(t.pending, l.request)
			if start, ok := begun[where]; ok && l.Level == levelError {
				died, err := t.between(ctx, start, l)
				if err != nil {
					return nil, err
				}
				last = append(last, died...)
			}
		}
		all = append(append(all, last...), lines...)
	}
	return slices.DeleteFunc(all, Line.noise), nil
}

// between returns what stands in a stream between the begin and the end of an invocation: nothing else runs there meanwhile.
func (t *tail) between(ctx context.Context, start, end Line) ([]Line, error) {
	return t.read(ctx, cloudwatchlogs.FilterLogEventsInput{
		LogStreamNames: []string{start.stream}, StartTime: aws.Int64(start.At.UnixMilli()), EndTime: aws.Int64(end.At.UnixMilli() + 1),
	})
}

func (t *tail) read(ctx context.Context, in cloudwatchlogs.FilterLogEventsInput) ([]Line, error) {
	in.LogGroupName = &t.group
	var lines []Line
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(t.logs, &in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		var none *types.ResourceNotFoundException
		if errors.As(err, &none) {
			return nil, fmt.Errorf("log group %s: is the stage deployed? %w", t.group, err)
		}
		if err != nil {
			return nil, fmt.Errorf("read log group %s: %w", t.group, err)
		}
		for _, e := range page.Events {
			lines = append(lines, newLine(t.function, e))
		}
	}
	return lines, nil
}

// What Lambda says, by its first word, and the levels of lines.
const (
	kindStart, kindEnd, kindReport, kindInit = "START", "END", "REPORT", "INIT_START"

	levelInfo, levelError, levelReport = "info", "error", "report"
)

// aboutRequest is how Lambda's lines, those of a crash too, name the invocation.
var aboutRequest = regexp.MustCompile(`^(?:(START|END|REPORT|INIT_START) )?(?:RequestId: (\S+))?`)

// failedReport is a report about an invocation that did not return.
var failedReport = regexp.MustCompile(`\tStatus: (error|timeout)`)

// noise says that a reader has no use for the line.
func (l Line) noise() bool {
	return l.kind == kindStart || l.kind == kindEnd || l.kind == kindInit || l.Message == "metrics"
}

func newLine(f naming.Function, e types.FilteredLogEvent) Line {
	l := Line{
		At: time.UnixMilli(aws.ToInt64(e.Timestamp)), Function: string(f), Raw: aws.ToString(e.Message), id: aws.ToString(e.EventId),
		stream: aws.ToString(e.LogStreamName),
	}
	var fields map[string]any
	if json.Unmarshal([]byte(l.Raw), &fields) != nil {
		named := aboutRequest.FindStringSubmatch(l.Raw)
		l.kind, l.request = named[1], named[2]
		l.Message, l.Level = strings.Join(strings.Fields(l.Raw), " "), levelError // what is no line of ours are a process's last words
		if l.kind == kindReport && !failedReport.MatchString(l.Raw) {
			l.Level = levelReport
		}
		return l
	}
	take := func(name string) string {
		text, _ := fields[name].(string)
		delete(fields, name)
		return text
	}
	l.Level, l.Message, l.request = cmp.Or(take("level"), levelInfo), take("message"), take("request_id")
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
