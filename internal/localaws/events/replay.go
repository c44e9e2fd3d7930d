package events

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

const (
	// maxReplays is how many replays may be active.
	maxReplays = 10
	// maxReplayName is the longest name of a replay.
	maxReplayName = 64
	// replayBatch is how many events a replay sends in one commit.
	replayBatch = 100
	// replayBegins is how long a replay is STARTING or CANCELLING, and replayPace how long it waits between two batches: on AWS it
	// takes minutes, long enough to be watched and cancelled. RetryScale scales both.
	replayBegins = 2 * time.Second
	replayPace   = 100 * time.Millisecond
)

// The states of a replay.
const (
	starting   = "STARTING"
	running    = "RUNNING"
	cancelling = "CANCELLING"
	completed  = "COMPLETED"
	cancelled  = "CANCELLED"
)

// replay sends events of an archive once more, as it is stored.
type replay struct {
	Name, Description, Archive, Bus, State string
	Filter                                 []string
	From, To                               time.Time // of the events
	Started, Ended, LastEvent              time.Time
	// Next is the key in the archive to go on from, Due the time from which on it may.
	Next string
	Due  time.Time
}

func (r replay) active() bool {
	return r.State == starting || r.State == running || r.State == cancelling
}

func replayARN(name string) string { return arn.New("events", "replay/"+name) }

// putReplay stores r. The caller holds the lock.
func (s *Service) putReplay(r replay) error {
	if err := s.tables.replays.Put(r.Name, r); err != nil {
		return err
	}
	s.replays[r.Name] = r
	return nil
}

// Destination is where a replay sends events.
type Destination struct {
	Arn        string
	FilterArns []string `json:",omitempty"`
}

// StartReplayInput is the input of StartReplay.
type StartReplayInput struct {
	ReplayName, Description, EventSourceArn string
	EventStartTime, EventEndTime            wire.Time
	Destination                             Destination
}

// ReplayChanged answers StartReplay and CancelReplay.
type ReplayChanged struct {
	ReplayArn, State string
	ReplayStartTime  *wire.Time `json:",omitempty"`
	StateReason      string     `json:",omitempty"`
}

func (s *Service) startReplay(_ context.Context, in StartReplayInput) (ReplayChanged, error) {
	if err := checkName(in.ReplayName, "replayName", maxReplayName); err != nil {
		return ReplayChanged{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.newReplay(in)
	if err != nil {
		return ReplayChanged{}, err
	}
	if err := s.putReplay(r); err != nil {
		return ReplayChanged{}, err
	}
	s.wakeReplays()
	return ReplayChanged{
		ReplayArn: replayARN(r.Name), State: r.State, ReplayStartTime: &wire.Time{Time: r.Started},
	}, nil
}

// newReplay makes a replay of a request that can be carried out. The caller holds the lock.
func (s *Service) newReplay(in StartReplayInput) (replay, error) {
	const prefix = "event-bus/"
	a, ok := arn.Parse(in.Destination.Arn)
	if !ok || a.Service != "events" || !strings.HasPrefix(a.Resource, prefix) {
		return replay{}, invalid("Parameter Destination.Arn is not valid. Reason: Must contain an event bus ARN.")
	}
	b, refused := s.bus(in.Destination.Arn)
	if refused != nil {
		return replay{}, refused
	}
	_, name, _ := strings.Cut(in.EventSourceArn, ":archive/")
	source, ok := s.archives[name]
	if !ok {
		return replay{}, invalid("Parameter EventSourceArn is not valid. Reason: Archive %s does not exist.", name)
	}
	if !in.EventStartTime.Before(in.EventEndTime.Time) {
		return replay{}, invalid("Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.")
	}
	if source.Bus != b.Name {
		return replay{}, invalid("Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.")
	}
	if _, ok := s.replays[in.ReplayName]; ok {
		return replay{}, exists("Replay %s already exists.", in.ReplayName)
	}
	active := 0
	for _, r := range s.replays {
		if r.active() {
			active++
		}
	}
	if active >= maxReplays {
		return replay{}, limitExceeded()
	}
	return replay{
		Name: in.ReplayName, Description: in.Description, Archive: name, Bus: b.Name, State: starting,
		Filter: in.Destination.FilterArns, From: in.EventStartTime.Time, To: in.EventEndTime.Time, Started: s.now(),
		Due: s.now().Add(s.scaled(replayBegins)),
	}, nil
}

// ReplayRef is the input of requests about one replay.
type ReplayRef struct{ ReplayName string }

// stored returns the replay called name. The caller holds the lock.
func (s *Service) stored(name string) (replay, *wire.Error) {
	r, ok := s.replays[name]
	if !ok {
		return replay{}, notFound("Replay %s does not exist.", name)
	}
	return r, nil
}

func (s *Service) cancelReplay(_ context.Context, in ReplayRef) (ReplayChanged, error) {
	s.stepping.Lock() // else the batch under way would overwrite what is acknowledged here
	defer s.stepping.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	r, refused := s.stored(in.ReplayName)
	if refused != nil {
		return ReplayChanged{}, refused
	}
	if r.State != starting && r.State != running {
		return ReplayChanged{}, wire.Errorf("IllegalStatusException",
			"Replay %s is not in a valid state for this operation.", in.ReplayName)
	}
	r.State, r.Due = cancelling, s.now().Add(s.scaled(replayBegins))
	if err := s.putReplay(r); err != nil {
		return ReplayChanged{}, err
	}
	s.wakeReplays()
	return ReplayChanged{ReplayArn: replayARN(r.Name), State: r.State}, nil
}

// ReplaySummary is a replay as ListReplays shows it.
type ReplaySummary struct {
	ReplayName, EventSourceArn, State string
	EventStartTime, EventEndTime      wire.Time
	ReplayStartTime                   wire.Time
	ReplayEndTime                     *wire.Time `json:",omitempty"`
	EventLastReplayedTime             *wire.Time `json:",omitempty"`
}

// ReplayDescription is a replay as DescribeReplay shows it.
type ReplayDescription struct {
	ReplaySummary
	ReplayArn   string
	Description string `json:",omitempty"`
	Destination Destination
}

func (r replay) summary() ReplaySummary {
	at := func(t time.Time) *wire.Time {
		if t.IsZero() {
			return nil
		}
		return &wire.Time{Time: t}
	}
	return ReplaySummary{
		ReplayName: r.Name, EventSourceArn: archiveARN(r.Archive), State: r.State,
		EventStartTime: wire.Time{Time: r.From}, EventEndTime: wire.Time{Time: r.To},
		ReplayStartTime: wire.Time{Time: r.Started}, ReplayEndTime: at(r.Ended), EventLastReplayedTime: at(r.LastEvent),
	}
}

func (s *Service) describeReplay(_ context.Context, in ReplayRef) (ReplayDescription, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, refused := s.stored(in.ReplayName)
	if refused != nil {
		return ReplayDescription{}, refused
	}
	return ReplayDescription{
		ReplaySummary: r.summary(), ReplayArn: replayARN(r.Name), Description: r.Description,
		Destination: Destination{Arn: busARN(r.Bus), FilterArns: r.Filter},
	}, nil
}

// ReplayList answers ListReplays.
type ReplayList struct {
	Replays   []ReplaySummary
	NextToken string `json:",omitempty"`
}

func (s *Service) listReplays(_ context.Context, in ListArchivesInput) (ReplayList, error) {
	err := in.check("ListReplays", starting, running, cancelling, completed, cancelled, "FAILED")
	if err != nil {
		return ReplayList{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := slices.DeleteFunc(slices.Collect(maps.Keys(s.replays)), func(name string) bool {
		r := s.replays[name]
		return in.State != "" && in.State != r.State ||
			in.EventSourceArn != "" && in.EventSourceArn != archiveARN(r.Archive)
	})
	names, next, err := in.cut(all, in.NamePrefix)
	if err != nil {
		return ReplayList{}, err
	}
	out := ReplayList{Replays: []ReplaySummary{}, NextToken: next}
	for _, name := range names {
		out.Replays = append(out.Replays, s.replays[name].summary())
	}
	return out, nil
}

func (s *Service) wakeReplays() {
	select {
	case s.replay <- struct{}{}:
	default:
	}
}

// replayPause is how long replays wait when too much is under way.
const replayPause = 100 * time.Millisecond

// scaled returns a duration as the endpoint's tests and users wish to wait it.
func (s *Service) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) * s.cfg.RetryScale)
}

// runReplays carries on with active replays until ctx ends.
func (s *Service) runReplays(ctx context.Context) error {
	for {
		changed := s.cfg.Clock.Changed()
		next, err := s.stepReplays()
		if err != nil {
			return fmt.Errorf("replay: %w", err)
		}
		var again <-chan time.Time
		if !next.IsZero() {
			again = time.After(next.Sub(s.now()))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.replay:
		case <-changed:
		case <-again:
		}
	}
}

// stepReplays moves each active replay on by one batch that may go on, and returns when the next one may; zero if none is
// active.
func (s *Service) stepReplays() (next time.Time, err error) {
	s.mu.RLock()
	names := slices.Sorted(maps.Keys(s.replays))
	s.mu.RUnlock()
	for _, name := range names {
		due, err := s.stepReplay(name)
		if err != nil {
			return time.Time{}, err
		}
		if !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	return next, nil
}

// stepReplay moves a replay on if its time has come, and returns when it may go on; zero if it is over.
func (s *Service) stepReplay(name string) (due time.Time, err error) {
	s.stepping.Lock()
	defer s.stepping.Unlock()
	s.mu.RLock()
	r := s.replays[name]
	s.mu.RUnlock()
	now := s.now()
	switch {
	case !r.active():
		return time.Time{}, nil
	case now.Before(r.Due):
		return r.Due, nil
	case r.State == cancelling:
		r.State, r.Ended = cancelled, now
		return time.Time{}, s.advance(r, nil)
	case s.full():
		return now.Add(replayPause), nil
	}
	batch, from, err := s.batch(r)
	if err != nil {
		return time.Time{}, err
	}
	r.State, r.Next, r.Due = running, from, now.Add(s.scaled(replayPace))
	if len(batch) > 0 {
		r.LastEvent = batch[len(batch)-1].Time
	}
	if from == "" {
		r.State, r.Ended, r.Due = completed, now, time.Time{}
	}
	return r.Due, s.advance(r, batch)
}

// batch returns the next events of a replay, and the key to go on from; "" if there are no more.
func (s *Service) batch(r replay) (batch []routed, next string, err error) {
	err = s.tables.archived.Scan(r.Archive+"/", r.Next, func(key string, a archivedEvent) bool {
		if len(batch) == replayBatch {
			next = key
			return false
		}
		if e := a.Event; !e.Time.Before(r.From) && e.Time.Before(r.To) {
			e.ID, e.ReplayName = uuid.NewString(), r.Name
			batch = append(batch, routed{envelope: e, bus: r.Bus, only: r.Filter})
		}
		return true
	})
	return batch, next, err
}

// advance sends a batch and stores how far the replay is in one commit.
func (s *Service) advance(r replay, batch []routed) error {
	err := s.routeWith(batch, func(tx *state.Tx) { s.tables.replays.PutTx(tx, r.Name, r) })
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replays[r.Name] = r
	return nil
}
