package monitor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// Config is what a Service needs. Every field is required.
type Config struct {
	Timeline  Timeline
	Workflows Workflows
	Notifier  Notifier
	Meter     Meter
	Calendar  Calendar
	// Portfolio is the one whose rebalance is due each trading day.
	Portfolio string
	// StalledAfter is how long a running workflow may go without an event before the watchdog calls it stalled.
	StalledAfter time.Duration
	Now          func() time.Time
}

// Service answers every event, and the watchdog. It is safe for concurrent use.
type Service struct {
	cfg Config
}

// New checks cfg whole.
func New(cfg Config) (*Service, error) {
	var faults []error
	if cfg.Timeline == nil {
		faults = append(faults, errors.New("timeline is required"))
	}
	if cfg.Workflows == nil {
		faults = append(faults, errors.New("workflows are required"))
	}
	if cfg.Notifier == nil {
		faults = append(faults, errors.New("notifier is required"))
	}
	if cfg.Meter == nil {
		faults = append(faults, errors.New("meter is required"))
	}
	if cfg.Calendar == nil {
		faults = append(faults, errors.New("calendar is required"))
	}
	if cfg.Portfolio == "" {
		faults = append(faults, errors.New("portfolio is required"))
	}
	if cfg.StalledAfter <= 0 {
		faults = append(faults, fmt.Errorf("stalled after is %s, want more than 0", cfg.StalledAfter))
	}
	if cfg.Now == nil {
		faults = append(faults, errors.New("now is required"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("monitor: invalid config: %w", err)
	}
	return &Service{cfg: cfg}, nil
}

// Handle records in in its workflow's timeline and, at the end of a workflow, sends its digest; a run that was skipped and a replayed end are only
// recorded. It returns no payloads. Handling an event again records nothing new, but sends the digest again: one too
// many is better than none. It returns a fault.Invalid error for an event of a type that it does not know, and the errors of
// timeline and notifier.
func (s *Service) Handle(ctx context.Context, in events.Event) ([]events.Payload, error) {
	story, err := tell(in.Payload)
	if err != nil {
		return nil, err
	}
	workflow, err := s.cfg.Timeline.Record(ctx, Entry{
		EventID: in.ID, CorrelationID: in.CorrelationID, CausationID: in.CausationID, Type: in.Type(), At: in.Timestamp.UTC(),
		Source: in.SourceModule, PortfolioID: in.Payload.Portfolio(), TradingDate: story.date, Summary: story.summary, State: story.state,
	})
	if err != nil {
		return nil, fmt.Errorf("record %s in the timeline: %w", in.ID, err)
	}
	if replay := bus.ReplayName(ctx); replay != "" {
		return nil, s.replayed(ctx, in, replay)
	}
	if traded, ok := in.Payload.(events.TradeExecuted); ok {
		s.cfg.Meter.Traded(ctx, tradedOf(traded))
	}
	if !story.state.Terminal() {
		return nil, nil
	}
	s.cfg.Meter.Ended(ctx, Ended{State: story.state, Took: in.Timestamp.Sub(workflow.StartedAt)})
	// One of the day's two schedules is always skipped: a mail that says so every day is a mail that nobody reads.
	if story.state == StateSkipped {
		return nil, nil
	}
	return nil, s.notify(ctx, digest{
		portfolio: in.Payload.Portfolio(), account: story.account, date: string(story.date), state: story.state,
		summary: story.summary, workflow: in.CorrelationID, at: in.Timestamp, advice: advice(story.state),
	})
}

// replayed records, once for each replay and workflow, that the workflow's events were replayed and that nothing came of it.
func (s *Service) replayed(ctx context.Context, in events.Event, replay string) error {
	_, err := s.cfg.Timeline.Record(ctx, Entry{
		EventID: "replay/" + replay, CorrelationID: in.CorrelationID, CausationID: in.CorrelationID, Type: in.Type(), At: s.cfg.Now().UTC(),
		Source: "archive", PortfolioID: in.Payload.Portfolio(), State: StateReplayed,
		Summary: fmt.Sprintf("replayed from the archive as %s: refused, no function has traded or published anything", replay),
	})
	if err != nil {
		return fmt.Errorf("record replay %s in the timeline: %w", replay, err)
	}
	return nil
}

// Watchdog finds the workflows that have been running without an event for longer than StalledAfter, tells people and
// marks them as stalled, in this order: a workflow that nobody could be told of is found again. One that cannot be
// marked does not keep the others from it. Whether today's rebalance is overdue is told to the meter, each time: no figure means that nobody
// watches. The error joins all that went wrong; if the day could not be judged, no figure is told.
func (s *Service) Watchdog(ctx context.Context) error {
	now := s.cfg.Now()
	stalled, err := s.cfg.Workflows.Stalled(ctx, now.Add(-s.cfg.StalledAfter))
	if err != nil {
		return fmt.Errorf("look for stalled workflows: %w", err)
	}
	var faults []error
	for _, w := range stalled {
		err := s.notify(ctx, digest{
			portfolio: w.PortfolioID, date: string(w.TradingDate), state: StateStalled, workflow: w.CorrelationID, at: now,
			summary: fmt.Sprintf("nothing has happened since %s; the last event: %s", w.UpdatedAt.UTC().Format("15:04:05 UTC"), w.LastSummary),
			advice:  advice(StateStalled),
		})
		if err == nil {
			err = s.cfg.Workflows.MarkStalled(ctx, w.CorrelationID)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("workflow %s has stalled: %w", w.CorrelationID, err))
		}
	}
	overdue, err := s.overdue(ctx)
	if err != nil {
		return errors.Join(append(faults, err)...)
	}
	s.cfg.Meter.Watched(ctx, Watched{Stalled: len(stalled), Overdue: overdue})
	return errors.Join(faults...)
}

func (s *Service) notify(ctx context.Context, d digest) error {
	if err := s.cfg.Notifier.Notify(ctx, d.subject(), d.body()); err != nil {
		return fmt.Errorf("send the digest of %s: %w", d.workflow, err)
	}
	return nil
}
