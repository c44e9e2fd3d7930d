package events

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/events/pattern"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Limits of PutEvents. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
const (
	maxEntries     = 10
	maxRequestSize = 1 << 20
	// maxDepth is how deeply a detail may be nested.
	maxDepth = 1100
)

// Entry is one event of PutEvents.
type Entry struct {
	Source, DetailType, Detail string
	EventBusName               string
	Resources                  []string
	Time                       wire.Time
	TraceHeader                string
}

// PutEventsInput is the input of PutEvents.
type PutEventsInput struct {
	Entries    []Entry
	EndpointId string
}

// EntryResult says what became of an entry.
type EntryResult struct {
	EventId      string `json:",omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

// PutEventsResult answers PutEvents.
type PutEventsResult struct {
	Entries          []EntryResult
	FailedEntryCount int
}

func (s *Service) putEvents(ctx context.Context, in PutEventsInput) (PutEventsResult, error) {
	if err := in.check(); err != nil {
		return PutEventsResult{}, err
	}
	trace := ""
	if r, ok := wire.RequestFrom(ctx); ok {
		trace = r.Header.Get("X-Amzn-Trace-Id")
	}
	out := PutEventsResult{Entries: make([]EntryResult, len(in.Entries))}
	accepted := make([]routed, 0, len(in.Entries))
	full := s.full()
	for i, entry := range in.Entries {
		e, refused := s.accept(entry)
		if refused == nil && full {
			refused = &EntryResult{ErrorCode: "ThrottlingException", ErrorMessage: "Rate exceeded"}
		}
		if refused == nil && s.cfg.Faults.Entry(entry.DetailType) {
			refused = &EntryResult{ErrorCode: "InternalFailure", ErrorMessage: "The entry was refused on purpose."}
		}
		if refused != nil {
			out.Entries[i] = *refused
			out.FailedEntryCount++
			continue
		}
		if entry.TraceHeader == "" {
			entry.TraceHeader = trace
		}
		out.Entries[i].EventId = e.ID
		bus, ok := busName(entry.EventBusName)
		if !ok {
			continue // as if it did not exist
		}
		accepted = append(accepted, routed{envelope: e, bus: bus, trace: entry.TraceHeader})
	}
	if err := s.route(accepted); err != nil {
		return PutEventsResult{}, err
	}
	return out, nil
}

func (in PutEventsInput) check() error {
	if in.EndpointId != "" {
		return invalid("Global endpoints are not implemented by the local endpoint.")
	}
	if len(in.Entries) == 0 {
		return constraint("[]", "entries", "have length greater than or equal to 1")
	}
	if len(in.Entries) > maxEntries {
		spelled := make([]string, len(in.Entries))
		for i, e := range in.Entries {
			spelled[i] = e.spell()
		}
		return constraint("["+strings.Join(spelled, ", ")+"]", "entries", "have length less than or equal to %d", maxEntries)
	}
	size := 0
	for _, e := range in.Entries {
		size += entrySize(!e.Time.IsZero(), e.Source, e.DetailType, e.Detail, e.Resources)
	}
	if size > maxRequestSize {
		return invalid("Total size of the entries in the request is over the limit.")
	}
	return nil
}

// entrySize is the size of an entry as AWS counts it.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size
func entrySize(timed bool, source, detailType, detail string, resources []string) int {
	n := len(source) + len(detailType) + len(detail)
	if timed {
		n += 14
	}
	for _, r := range resources {
		n += len(r)
	}
	return n
}

// spell is how AWS's front end shows an entry.
func (e Entry) spell() string {
	or := func(s string) string {
		if s == "" {
			return "null"
		}
		return s
	}
	at, resources := "null", "null"
	if !e.Time.IsZero() {
		at = e.Time.UTC().Format("Mon Jan 02 15:04:05 UTC 2006")
	}
	if e.Resources != nil {
		resources = "[" + strings.Join(e.Resources, ", ") + "]"
	}
	return fmt.Sprintf("PutEventsRequestEntry(time=%s, source=%s, resources=%s, detailType=%s, detail=%s, eventBusName=%s, "+
		"traceHeader=%s, kmsKeyIdentifier=null, internalMetadata=null)",
		at, or(e.Source), resources, or(e.DetailType), or(e.Detail), or(e.EventBusName), or(e.TraceHeader))
}

// accept makes an event of an entry, or says why it is refused.
func (s *Service) accept(in Entry) (envelope, *EntryResult) {
	for _, m := range []struct{ name, value string }{
		{"Source", in.Source}, {"DetailType", in.DetailType}, {"Detail", in.Detail},
	} {
		if m.value == "" {
			return envelope{}, &EntryResult{
				ErrorCode:    "InvalidArgument",
				ErrorMessage: fmt.Sprintf("Parameter %s is not valid. Reason: %[1]s is a required argument.", m.name),
			}
		}
	}
	var detail bytes.Buffer
	if err := json.Compact(&detail, []byte(in.Detail)); err != nil || detail.Bytes()[0] != '{' {
		return envelope{}, &EntryResult{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	}
	// The envelope is a level of its own; each level takes two bytes.
	if detail.Len() > 2*maxDepth {
		if _, err := pattern.ParseEvent(`{"detail":` + detail.String() + `}`); err != nil {
			return envelope{}, &EntryResult{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
		}
	}
	at := in.Time.Time
	if at.IsZero() {
		at = s.now()
	}
	return newEnvelope(at, in.Source, in.DetailType, in.Resources, detail.Bytes()), nil
}

// scheduler is the principal whose deliveries are entries, not events.
const scheduler = "scheduler.amazonaws.com"

// Receive takes an event for the bus arn: from another bus as the event itself, which keeps its id, time, account and
// region, from Scheduler as an Entry. It returns once the event and its deliveries are stored, or a *delivery.Error if
// there is no such bus or the event is not valid.
func (s *Service) Receive(_ context.Context, arn string, m delivery.Message) error {
	s.mu.RLock()
	b, refused := s.bus(arn)
	s.mu.RUnlock()
	if refused != nil {
		return delivery.Errorf("NO_RESOURCE", "%s", refused.Message)
	}
	if s.full() {
		return &delivery.Error{Code: "THROTTLING", Message: "Rate exceeded", Retryable: true}
	}
	r := routed{bus: b.Name, trace: m.TraceHeader}
	if m.Principal == scheduler {
		var entry Entry
		if err := json.Unmarshal(m.Body, &entry); err != nil {
			return delivery.Errorf("SDK_CLIENT_ERROR", "The request is no PutEvents entry: %v", err)
		}
		if err := (PutEventsInput{Entries: []Entry{entry}}).check(); err != nil {
			return delivery.Errorf("SDK_CLIENT_ERROR", "%s", err)
		}
		e, refused := s.accept(entry)
		if refused != nil {
			return delivery.Errorf("SDK_CLIENT_ERROR", "%s: %s", refused.ErrorCode, refused.ErrorMessage)
		}
		r.envelope = e
	} else if err := r.envelope.parse(m.Body); err != nil {
		return delivery.Errorf("SDK_CLIENT_ERROR", "Event is malformed: %v", err)
	}
	return s.route([]routed{r})
}
