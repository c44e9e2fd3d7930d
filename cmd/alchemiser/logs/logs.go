// Package logs reads what all functions of a stage logged about one workflow, in one stream by time.
package logs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"golang.org/x/sync/errgroup"

	"github.com/the-alchemiser/alchemiser/internal/naming"
)

// Line is a line of a function's log.
type Line struct {
	At       time.Time `json:"at"`
	Function string    `json:"function"`
	// Level is "info" or "error"; it is "report" for what Lambda says about an invocation that went well.
	Level   string `json:"level"`
	Message string `json:"message"`
	// Fields are what else the line says, by name, without what every line of the workflow says.
	Fields []Field `json:"fields,omitempty"`
	// Raw is the line as it is.
	Raw string `json:"raw"`

	// id is CloudWatch's, stream where the line stands, request the invocation that wrote it or that it is about.
	// kind is the first word of what Lambda says.
	id, stream, request, kind string
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

// Read returns the lines about a workflow since a time, by time, and what Lambda says about the invocations that wrote them: its
// reports, crashes and time-outs. Figures, which are lines of the log too, are left out.
func (r *Reader) Read(ctx context.Context, correlationID string, since time.Time) ([]Line, error) {
	return r.read(ctx, r.tails(), correlationID, since)
}

// read returns the lines that the tails have not seen.
func (r *Reader) read(ctx context.Context, tails []*tail, correlationID string, since time.Time) ([]Line, error) {
	found := make([][]Line, len(tails))
	group, ctx := errgroup.WithContext(ctx)
	for i, t := range tails {
		group.Go(func() (err error) {
			found[i], err = t.next(ctx, correlationID, since)
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

// pollInterval is how often a log that is followed is asked for new lines.
const pollInterval = time.Second

// window is how far back a log that is followed is read again: CloudWatch lists lines late, and Lambda reports about an
// invocation after it.
const window = 5 * time.Minute

// Follow shows the lines about a workflow since a time, and those that come, until ctx ends. Lines of one answer are in order;
// one that CloudWatch lists late comes late.
func (r *Reader) Follow(ctx context.Context, correlationID string, since time.Time, show func(Line)) error {
	tails := r.tails()
	for {
		lines, err := r.read(ctx, tails, correlationID, since)
		if err != nil && ctx.Err() == nil { // else interrupted, as was meant
			return err
		}
		for _, l := range lines {
			show(l)
			if from := l.At.Add(-window); from.After(since) {
				since = from
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pollInterval):
		}
	}
}
