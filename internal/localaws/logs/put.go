package logs

import (
	"context"
	"fmt"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
)

// Limits of PutLogEvents. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
const (
	maxPutEvents  = 10000
	maxPutBytes   = 1 << 20
	eventOverhead = 26
	maxSpan       = 24 * time.Hour
	maxAhead      = 2 * time.Hour
	maxAge        = 14 * 24 * time.Hour
)

// Event is one line of a log.
type Event struct {
	Time    time.Time
	Message string
}

// InputEvent is one line as PutLogEvents takes it; the time is in milliseconds since the epoch.
type InputEvent struct {
	Timestamp int64  `json:"timestamp"`
	Message   string `json:"message"`
}

// PutEventsInput is lines for one stream in the order of their times.
type PutEventsInput struct {
	LogGroupName  string       `json:"logGroupName"`
	LogStreamName string       `json:"logStreamName"`
	LogEvents     []InputEvent `json:"logEvents"`
}

// PutEventsOutput tells which events were not taken, by index.
type PutEventsOutput struct {
	NextSequenceToken     string        `json:"nextSequenceToken"`
	RejectedLogEventsInfo *rejectedInfo `json:"rejectedLogEventsInfo,omitempty"`
}

type rejectedInfo struct {
	TooNewStart *int `json:"tooNewLogEventStartIndex,omitempty"`
	TooOldEnd   *int `json:"tooOldLogEventEndIndex,omitempty"`
	ExpiredEnd  *int `json:"expiredLogEventEndIndex,omitempty"`
}

func (s *Service) putEvents(_ context.Context, in PutEventsInput) (out PutEventsOutput, err error) {
	if err := checkEvents(in.LogEvents); err != nil {
		return out, err
	}
	g, err := s.openFor(in.LogGroupName, in.LogStreamName, false)
	if err != nil {
		return out, err
	}
	kept, rejected := s.admit(g, in.LogEvents)
	out = PutEventsOutput{NextSequenceToken: fmt.Sprintf("%056d", s.last.Load()), RejectedLogEventsInfo: rejected}
	return out, s.store(g, in.LogStreamName, kept)
}

func checkEvents(events []InputEvent) error {
	if len(events) == 0 || len(events) > maxPutEvents {
		return errParameter("1 validation error detected: Value at 'logEvents' failed to satisfy constraint: Member must have length "+
			"between 1 and %d", maxPutEvents)
	}
	size := 0
	for i, e := range events {
		if e.Message == "" {
			return errParameter("1 validation error detected: Value '' at 'logEvents.%d.member.message' failed to satisfy constraint: "+
				"Member must have length greater than or equal to 1", i+1)
		}
		if i > 0 && e.Timestamp < events[i-1].Timestamp {
			return errParameter("Log events in a single PutLogEvents request must be in chronological order.")
		}
		size += len(e.Message) + eventOverhead
	}
	if events[len(events)-1].Timestamp-events[0].Timestamp > maxSpan.Milliseconds() {
		return errParameter("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	if size > maxPutBytes {
		return errParameter("Upload too large: %d bytes exceeds limit of %d", size, maxPutBytes)
	}
	return nil
}

// admit leaves out the events that are too old or too new.
func (s *Service) admit(g group, events []InputEvent) ([]InputEvent, *rejectedInfo) {
	now := s.now()
	from, to := 0, len(events)
	var info rejectedInfo
	for from < to && events[from].Timestamp < now-maxAge.Milliseconds() {
		from++
		info.TooOldEnd = &from
	}
	if g.Retention > 0 {
		expired := from
		for expired < to && events[expired].Timestamp < now-retention(g.Retention).Milliseconds() {
			expired++
			info.ExpiredEnd = &expired
		}
		from = expired
	}
	for to > from && events[to-1].Timestamp > now+maxAhead.Milliseconds() {
		to--
		info.TooNewStart = &to
	}
	if info == (rejectedInfo{}) {
		return events, nil
	}
	return events[from:to], &info
}

// Write appends events to a stream and creates group and stream where they are missing, as Lambda does for the output
// of a function. Events without a message are left out. The events are durable when it returns.
func (s *Service) Write(_ context.Context, group, stream string, events []Event) error {
	g, err := s.openFor(group, stream, true)
	if err != nil {
		return fmt.Errorf("write to log group %s: %w", group, err)
	}
	input := make([]InputEvent, 0, len(events))
	for _, e := range events {
		if e.Message != "" {
			input = append(input, InputEvent{e.Time.UnixMilli(), e.Message})
		}
	}
	return s.store(g, stream, input)
}

// openFor returns the group of a stream that is to be written to; with create it makes what is missing.
func (s *Service) openFor(groupName, streamName string, create bool) (group, error) {
	g, err := s.reading(groupName, "", streamName)
	if err == nil && streamName == "" {
		err = errNoStream()
	}
	if err == nil || !create {
		return g, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.find(groupName)
	if err != nil {
		if o, err = s.openGroup(GroupInput{LogGroupName: groupName}); err != nil {
			return group{}, err
		}
	}
	if _, ok := o.streams[streamName]; !ok {
		err = s.openStream(o, streamName)
	}
	return o.group, err
}

// store writes events and the times of their stream in one commit.
func (s *Service) store(g group, name string, events []InputEvent) error {
	if len(events) == 0 {
		return nil
	}
	now := s.now()
	st, ok := s.touch(g, name, now, events)
	err := s.cfg.Store.Update(func(tx *state.Tx) error {
		if ok {
			s.streams.PutTx(tx, streamRow(g, name), st)
		}
		for _, e := range events {
			row := g.rows() + position(e.Timestamp, s.last.Add(1))
			s.events.PutTx(tx, row, event{Stream: name, Time: e.Timestamp, Ingested: now, Message: e.Message})
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, e := range events {
		extract(s.cfg.Metrics, e)
	}
	s.count(events)
	return nil
}

// touch notes the times of new events with their stream; ok is false if it is gone.
func (s *Service) touch(g group, name string, now int64, events []InputEvent) (st stream, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, found := s.byName[g.Name]
	if !found || o.ID != g.ID {
		return st, false
	}
	if st, ok = o.streams[name]; !ok {
		return st, false
	}
	first, last := events[0].Timestamp, events[0].Timestamp
	for _, e := range events {
		first, last = min(first, e.Timestamp), max(last, e.Timestamp)
	}
	if st.First == 0 || first < st.First {
		st.First = first
	}
	st.Last, st.Ingested = max(st.Last, last), now
	o.streams[name] = st
	return st, true
}

// position is the place of an event in its group: by time, then by number.
func position(time int64, number uint64) string {
	return fmt.Sprintf("%013d/%016x", max(time, 0), number)
}
