package workflow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/xray"
	"github.com/aws/aws-sdk-go-v2/service/xray/types"

	"github.com/the-alchemiser/alchemiser/internal/report"
)

// Traces are what X-Ray knows of a workflow.
type Traces struct {
	// Own are those under which its functions worked, the earliest first. A workflow has one; what a redrive adds is in another.
	Own []report.Trace
	// Linked are those of others that handled its events: replays, and the monitor when nobody published under a trace.
	Linked []Linked
}

// Linked is a trace that is not the workflow's own.
type Linked struct {
	ID    string    `json:"id"`
	Begun time.Time `json:"begun"`
	// Replay is the name of the replay; "" if it was none.
	Replay string `json:"replay,omitempty"`
}

// traceSpan is how long after something was recorded of a workflow a trace of it may begin, and before it how long ago it
// may have begun: events are recorded after they were handled. X-Ray searches no more than some hours at once.
const (
	traceSpan = 6 * time.Hour
	traceLead = 15 * time.Minute
)

// Traces returns the traces of workflow id as far as they have come. At are the times, in order, at which something was
// recorded of it: a search of all that X-Ray keeps, which is 30 days, would take long.
func (c *Client) Traces(ctx context.Context, id string, at ...time.Time) (Traces, error) {
	var found Traces
	seen := map[string]bool{}
	var searched time.Time
	for _, t := range at {
		if t.Add(time.Minute).Before(searched) {
			continue
		}
		from := t.Add(-traceLead)
		if from.Before(searched) {
			from = searched
		}
		searched = from.Add(traceSpan)
		summaries, err := c.summaries(ctx, id, from, searched)
		if err != nil {
			return Traces{}, fmt.Errorf("find the traces of %s: %w", id, err)
		}
		for _, s := range summaries {
			traceID := aws.ToString(s.Id)
			if seen[traceID] {
				continue
			}
			seen[traceID] = true
			if len(s.Annotations["correlation_id"]) == 0 {
				found.Linked = append(found.Linked, Linked{ID: traceID, Begun: aws.ToTime(s.StartTime), Replay: annotation(s, "replay")})
				continue
			}
			trace, err := c.TraceByID(ctx, traceID)
			if err != nil {
				return Traces{}, err
			}
			found.Own = append(found.Own, trace)
		}
	}
	slices.SortFunc(found.Own, func(a, b report.Trace) int { return a.Roots[0].Start.Compare(b.Roots[0].Start) })
	slices.SortFunc(found.Linked, func(a, b Linked) int { return a.Begun.Compare(b.Begun) })
	return found, nil
}

// summaries lists the traces that have to do with workflow id and began in a time.
func (c *Client) summaries(ctx context.Context, id string, from, to time.Time) ([]types.TraceSummary, error) {
	var all []types.TraceSummary
	pages := xray.NewGetTraceSummariesPaginator(c.xray, &xray.GetTraceSummariesInput{
		StartTime: &from, EndTime: &to, FilterExpression: aws.String(fmt.Sprintf("annotation.workflow_id = %q", id)),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, page.TraceSummaries...)
	}
	return all, nil
}

// annotation returns the values of a string annotation.
func annotation(s types.TraceSummary, key string) string {
	var values []string
	for _, v := range s.Annotations[key] {
		if text, ok := v.AnnotationValue.(*types.AnnotationValueMemberStringValue); ok {
			values = append(values, text.Value)
		}
	}
	return strings.Join(values, ", ")
}

// Trace returns the trace of workflow id, which has begun within the last minutes, once it is complete.
func (c *Client) Trace(ctx context.Context, id string) (report.Trace, error) {
	for {
		traces, err := c.Traces(ctx, id, time.Now())
		switch own := traces.Own; {
		case err != nil:
			return report.Trace{}, err
		case len(own) > 1:
			return report.Trace{}, fmt.Errorf("workflow %s has %d traces, want one", id, len(own))
		case len(own) == 1 && own[0].Complete():
			return own[0], nil
		}
		if err := pause(ctx); err != nil {
			return report.Trace{}, fmt.Errorf("the trace of %s is not complete: %w", id, err)
		}
	}
}

// TraceByID returns a trace by X-Ray's own id; it has at least one root.
func (c *Client) TraceByID(ctx context.Context, traceID string) (report.Trace, error) {
	got, err := c.xray.BatchGetTraces(ctx, &xray.BatchGetTracesInput{TraceIds: []string{traceID}})
	if err != nil {
		return report.Trace{}, fmt.Errorf("read trace %s: %w", traceID, err)
	}
	if len(got.Traces) == 0 {
		return report.Trace{}, errors.New("trace " + traceID + " is not known: X-Ray keeps traces for 30 days")
	}
	documents := make([]string, 0, len(got.Traces[0].Segments))
	for _, segment := range got.Traces[0].Segments {
		documents = append(documents, aws.ToString(segment.Document))
	}
	trace, err := report.ParseTrace(traceID, documents)
	if err == nil && len(trace.Roots) == 0 {
		err = errors.New("trace " + traceID + " has no segments")
	}
	return trace, err
}
