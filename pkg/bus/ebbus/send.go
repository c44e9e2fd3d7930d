package ebbus

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// The limits of one PutEvents call. EventBridge takes 1 MiB since January 2026, but regions and documents disagree; a
// batch within the older limit is taken everywhere.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
const (
	batchEntries = 10
	batchBytes   = 256 * 1024
)

// batches cuts entries into calls.
func batches(entries []entry) [][]entry {
	var bs [][]entry
	start, size := 0, 0
	for i, e := range entries {
		if i > start && (i-start == batchEntries || size+e.Wire.Size() > batchBytes) {
			bs = append(bs, entries[start:i])
			start, size = i, 0
		}
		size += e.Wire.Size()
	}
	if start < len(entries) {
		bs = append(bs, entries[start:])
	}
	return bs
}

// failure is why an entry was not accepted.
type failure struct {
	code, message string
	fault         fault.Code
	err           error
}

// send makes one call. It returns the entries worth sending again and those that were refused for good.
func (p *Publisher) send(ctx context.Context, batch []entry) (again, refused []entry) {
	in := &eventbridge.PutEventsInput{Entries: make([]types.PutEventsRequestEntry, len(batch))}
	for i, e := range batch {
		in.Entries[i] = e.request
	}
	out, err := p.cfg.Client.PutEvents(ctx, in, withoutRetries)
	if err == nil && len(out.Entries) != len(batch) {
		err = fmt.Errorf("EventBridge answered for %d entries, %d were sent", len(out.Entries), len(batch))
	}
	for i, e := range batch {
		switch {
		case err != nil:
			e.failure = callFailure(err)
		case out.Entries[i].ErrorCode != nil:
			e.failure = entryFailure(out.Entries[i])
		default:
			continue
		}
		if e.failure.fault == fault.Transient {
			again = append(again, e)
		} else {
			refused = append(refused, e)
		}
	}
	return again, refused
}

// withoutRetries turns the SDK's retries off: Publish makes its own, for single entries too.
func withoutRetries(o *eventbridge.Options) { o.Retryer = aws.NopRetryer{} }

// callFailure is for all entries of a call. What the SDK would retry is transient; a call that was refused otherwise,
// such as for a missing permission, is internal: somebody must look, and the events stay good.
func callFailure(err error) *failure {
	f := &failure{code: "RequestFailed", message: err.Error(), fault: fault.Internal, err: fmt.Errorf("put events: %w", err)}
	var api smithy.APIError
	if errors.As(err, &api) {
		f.code = api.ErrorCode()
	}
	if retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || api == nil {
		f.fault = fault.Transient
	}
	return f
}

// entryFailure is for one entry. Only throttling and failures within EventBridge are worth another attempt.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
func entryFailure(r types.PutEventsResultEntry) *failure {
	f := &failure{code: aws.ToString(r.ErrorCode), message: aws.ToString(r.ErrorMessage), fault: fault.Invalid}
	switch f.code {
	case "ThrottlingException", "InternalFailure", "InternalException":
		f.fault = fault.Transient
	}
	f.err = fmt.Errorf("%s: %s", f.code, f.message)
	return f
}

// Probe proves that the caller may publish on the bus, and publishes nothing: it sends an entry without a type, which EventBridge
// refuses for its form alone once it has let the caller in. What it returns otherwise asks for what Publish would ask for.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
func (p *Publisher) Probe(ctx context.Context) error {
	out, err := p.cfg.Client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		{EventBusName: &p.cfg.BusName, Source: aws.String(p.cfg.SourcePrefix + ".smoke"), Detail: aws.String("{}")},
	}}, withoutRetries)
	if err != nil {
		f := callFailure(err)
		return fault.As(f.fault, f.err)
	}
	if len(out.Entries) != 1 || aws.ToString(out.Entries[0].ErrorCode) != "InvalidArgument" {
		return fault.New(fault.Internal, "bus %s: EventBridge has not refused an entry without a type as it should", p.cfg.BusName)
	}
	return nil
}
