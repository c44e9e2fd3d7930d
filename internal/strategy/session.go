package strategy

import (
	"context"
	"fmt"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

const (
	// maxStartAge is how old a start may be: one that waited in a queue belongs to a moment that has passed.
	maxStartAge = 10 * time.Minute
	// A run begins in this span before the close: late enough to trade at prices near it, early enough to finish.
	earliestStart = 20 * time.Minute
	latestStart   = 5 * time.Minute
	// maxGap is how many days may lie between two sessions; the longest gap in a century was six (September 2001).
	maxGap = 10
)

// skip says why a run does not begin, in words for the trader; "" means that it does.
type skip string

// session decides by the broker's clock and calendar whether a run may begin now, and returns the session in which it
// would trade. The date is there also when it may not.
func (s *Service) session(ctx context.Context, start events.WorkflowStarted, age time.Duration) (market.Session, skip, error) {
	if age > maxStartAge {
		return market.Session{}, skip(fmt.Sprintf("the start is %s old; a run begins within %s of it", short(age), short(maxStartAge))), nil
	}
	clock, err := s.cfg.Broker.Clock(ctx)
	if err != nil {
		return market.Session{}, "", fmt.Errorf("read the broker's clock: %w", err)
	}
	now := clock.Now.In(s.exchange)
	today := market.DateOf(now)
	if start.TradingDate != "" && start.TradingDate != today {
		return market.Session{Date: today}, skip(fmt.Sprintf("the run is for %s, but today is %s at the exchange", start.TradingDate, today)), nil
	}
	session, trading, err := s.cfg.Broker.Session(ctx, today)
	if err != nil {
		return market.Session{}, "", fmt.Errorf("read the session of %s: %w", today, err)
	}
	session.Date = today
	if !trading {
		return session, skip(fmt.Sprintf("the market is closed: %s is not a trading day", today)), nil
	}
	if !clock.Open {
		return session, skip(fmt.Sprintf("the market is closed: it is %s, the session of %s is from %s to %s", now.Format("15:04"),
			today, session.Open.In(s.exchange).Format("15:04"), session.Close.In(s.exchange).Format("15:04"))), nil
	}
	if left := session.Close.Sub(now); left < latestStart || left > earliestStart {
		return session, skip(fmt.Sprintf("the close at %s is %s away; a run begins %s to %s before it",
			session.Close.In(s.exchange).Format("15:04"), short(left), short(latestStart), short(earliestStart))), nil
	}
	return session, "", nil
}

// short writes d without the zero units that String appends: 15m, 6h15m, 90s.
func short(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0 && d > time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	default:
		return d.String()
	}
}

// sessionBefore returns the date of the last session before date.
func (s *Service) sessionBefore(ctx context.Context, date market.Date) (market.Date, error) {
	day, err := time.Parse(time.DateOnly, string(date))
	if err != nil {
		return "", fault.New(fault.Invalid, "trading date: %w", err)
	}
	for range maxGap {
		day = day.AddDate(0, 0, -1)
		_, trading, err := s.cfg.Broker.Session(ctx, market.DateOf(day))
		if err != nil {
			return "", fmt.Errorf("read the session of %s: %w", market.DateOf(day), err)
		}
		if trading {
			return market.DateOf(day), nil
		}
	}
	return "", fault.New(fault.Invalid, "the broker's calendar has no session in the %d days before %s", maxGap, date)
}
