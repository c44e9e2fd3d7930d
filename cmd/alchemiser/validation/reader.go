package validation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"golang.org/x/sync/errgroup"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/deadletters"
	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/deployed"
	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/fingerprint"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/internal/naming"
	"github.com/the-alchemiser/alchemiser/internal/store"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// MaxWindow is the longest window: claims, by which deliveries are judged, are kept for seven days.
const MaxWindow = 7 * 24 * time.Hour

// Window is a span of time.
type Window struct{ From, To time.Time }

// holds says whether at is in the window.
func (w Window) holds(at time.Time) bool { return !at.Before(w.From) && !at.After(w.To) }

// days returns the UTC days that may hold workflows with events in the window. A workflow stands under the day of its first
// event.
func (w Window) days() []market.Date {
	var days []market.Date
	for day := w.From.UTC().Truncate(24*time.Hour).AddDate(0, 0, -1); !day.After(w.To); day = day.AddDate(0, 0, 1) {
		days = append(days, market.Date(day.Format(time.DateOnly)))
	}
	return days
}

// state is the part of the store that is read.
type state interface {
	Day(ctx context.Context, day market.Date) ([]monitor.Workflow, error)
	Timeline(ctx context.Context, correlationID string) ([]monitor.Entry, error)
	Get(ctx context.Context, key consumer.Key) (consumer.Claim, bool, error)
	Outbox(ctx context.Context, key consumer.Key) ([]events.Event, error)
	Fingerprints(ctx context.Context, day market.Date) ([]fingerprint.Record, error)
}

// Reader gathers the evidence of one stage. It changes nothing and is safe for concurrent use.
type Reader struct {
	cfg       aws.Config
	stage     naming.Stage
	account   string
	functions []deployed.Function
	state     state
	bus       *eventbridge.Client
	logs      *cloudwatchlogs.Client
}

// NewReader returns a reader of a stage in an account with its functions.
func NewReader(cfg aws.Config, stage naming.Stage, account string, functions []deployed.Function) (*Reader, error) {
	table, err := store.New(store.Config{Client: dynamodb.NewFromConfig(cfg), Table: stage.Table(), Now: time.Now})
	if err != nil {
		return nil, err
	}
	return &Reader{
		cfg: cfg, stage: stage, account: account, functions: functions, state: table,
		bus: eventbridge.NewFromConfig(cfg), logs: cloudwatchlogs.NewFromConfig(cfg),
	}, nil
}

// Read gathers the evidence of the window.
func (r *Reader) Read(ctx context.Context, w Window) (Evidence, error) {
	e := Evidence{Stage: string(r.stage), Account: r.account, Region: r.cfg.Region, From: w.From, To: w.To}
	e.Functions = make([]Function, len(r.functions))
	group, together := errgroup.WithContext(ctx)
	for i, f := range r.functions {
		e.Functions[i] = Function{Name: f.Name, Version: f.Version, Timeout: f.Timeout}
		group.Go(func() error {
			return r.readLines(together, &e.Functions[i], r.stage.FunctionLog(naming.Function(f.Name)), w)
		})
	}
	group.Go(func() error { return r.readDeliveries(together, w, &e) })
	group.Go(func() error {
		box, err := deadletters.Open(together, r.cfg, r.stage)
		if err != nil {
			return err
		}
		e.DeadLetters, err = box.Count(together)
		return err
	})
	group.Go(func() (err error) { e.Archive, err = r.archive(together); return err })
	group.Go(func() (err error) { e.Dual, err = r.dual(together, w); return err })
	if err := group.Wait(); err != nil {
		return e, err
	}
	return e, r.forgive(ctx, &e)
}

func (r *Reader) archive(ctx context.Context) (Archive, error) {
	a := Archive{Name: r.stage.Archive()}
	got, err := r.bus.DescribeArchive(ctx, &eventbridge.DescribeArchiveInput{ArchiveName: &a.Name})
	var none *types.ResourceNotFoundException
	if errors.As(err, &none) {
		a.Missing = true
		return a, nil
	}
	if err != nil {
		return a, fmt.Errorf("read archive %s: %w", a.Name, err)
	}
	a.State, a.Events = string(got.State), got.EventCount
	rules, err := r.rules(ctx, naming.Execution)
	if err != nil {
		return a, err
	}
	plan := published{Source: sourcePrefix + string(naming.Portfolio), Type: string(events.TypeRebalancePlanned)}
	passes, err := rules.wants(ctx, naming.Execution, plan, "")
	if err != nil {
		return a, err
	}
	a.Deaf = !passes
	a.Trades, err = rules.wants(ctx, naming.Execution, plan, "validation")
	return a, err
}

func (r *Reader) dual(ctx context.Context, w Window) (fingerprint.Report, error) {
	var records []fingerprint.Record
	for _, day := range w.days() {
		more, err := r.state.Fingerprints(ctx, day)
		if err != nil {
			return fingerprint.Report{}, fmt.Errorf("read the fingerprints of %s: %w", day, err)
		}
		records = append(records, slices.DeleteFunc(more, func(f fingerprint.Record) bool { return !w.holds(f.At) })...)
	}
	return fingerprint.Compare(records), nil
}

// forgive marks the error lines whose event was handled after all.
func (r *Reader) forgive(ctx context.Context, e *Evidence) error {
	handled := map[string]bool{}
	for _, d := range e.Deliveries {
		for _, id := range d.requests {
			handled[d.Function+" "+id] = d.State == done
		}
	}
	known := map[consumer.Key]bool{}
	for _, f := range e.Functions {
		for i := range f.Errors {
			line := &f.Errors[i]
			line.MadeGood = handled[f.Name+" "+line.RequestID]
			if line.MadeGood || line.EventID == "" {
				continue
			}
			key := consumer.Key{Function: f.Name, EventID: line.EventID}
			if _, ok := known[key]; !ok {
				claim, found, err := r.state.Get(ctx, key)
				if err != nil {
					return err
				}
				known[key] = found && claim.Status == consumer.StatusDone
			}
			line.MadeGood = known[key]
		}
	}
	return nil
}
