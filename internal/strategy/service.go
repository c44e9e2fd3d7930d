package strategy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
	_ "time/tzdata" // the Lambda runtime need not have the zones of the host

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

// exchangeZone is where the exchange's dates are counted.
const exchangeZone = "America/New_York"

// Config is what a Service needs. Every field is required.
type Config struct {
	Broker Broker
	Prices Prices
	Runs   Runs
	// Strategies is the folder with portfolio.yaml and the symphonies that it names.
	Strategies fs.FS
	// Now is the clock of whoever delivers events, on which their timestamps were made. It decides only how old a
	// start is; everything about sessions is decided by the broker's clock.
	Now func() time.Time
}

// Service answers WorkflowStarted. It is safe for concurrent use.
type Service struct {
	cfg       Config
	portfolio *Portfolio
	exchange  *time.Location
}

// New checks cfg whole and loads the strategies. The error lists every fault.
func New(cfg Config) (*Service, error) {
	s := &Service{cfg: cfg}
	var faults []error
	if cfg.Broker == nil {
		faults = append(faults, errors.New("broker is required"))
	}
	if cfg.Prices == nil {
		faults = append(faults, errors.New("prices are required"))
	}
	if cfg.Runs == nil {
		faults = append(faults, errors.New("runs are required"))
	}
	if cfg.Now == nil {
		faults = append(faults, errors.New("now is required"))
	}
	var err error
	if cfg.Strategies == nil {
		faults = append(faults, errors.New("strategies are required"))
	} else if s.portfolio, err = LoadPortfolio(cfg.Strategies); err != nil {
		faults = append(faults, err)
	}
	if s.exchange, err = time.LoadLocation(exchangeZone); err != nil {
		faults = append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("strategy: invalid config: %w", err)
	}
	return s, nil
}

// Warnings returns what is allowed in the shipped symphonies but probably a mistake, as `file:line:column: …`.
func (s *Service) Warnings() []string {
	var all []string
	for _, one := range s.portfolio.Strategies {
		all = append(all, one.Program.Warnings()...)
	}
	return all
}

// Handle answers a WorkflowStarted with one SignalGenerated, or with one WorkflowCompleted whose outcome is skipped and
// whose reason says why: the start is too old, it is for another date, the market is closed or its close is not near, or the
// day's run was begun before by another workflow. The run key is claimed only if the run begins, so a skipped start
// leaves it free; the workflow that holds it may be handled again and gives the same signals.
//
// It returns a fault.Invalid error for another event, for a portfolio that is not shipped, for a blocked account and
// for a strategy that cannot be evaluated (the cause is a *symphony.HistoryError if history is too short); a
// fault.Transient error while the bars of all symbols do not yet reach the last session; and the errors of the ports.
func (s *Service) Handle(ctx context.Context, in events.Event) ([]events.Payload, error) {
	start, ok := in.Payload.(events.WorkflowStarted)
	if !ok {
		return nil, fault.New(fault.Invalid, "strategy handles WorkflowStarted, not %s", in.Type())
	}
	if !s.portfolio.Runs(start.PortfolioID) {
		return nil, fault.New(fault.Invalid, "portfolio %q is not shipped: strategies/%s is for %q and for ids that begin with %q",
			start.PortfolioID, portfolioFile, s.portfolio.ID, s.portfolio.ID+"-")
	}
	session, why, err := s.session(ctx, start, s.cfg.Now().Sub(in.Timestamp))
	if err != nil {
		return nil, err
	}
	skipped := events.WorkflowCompleted{
		PortfolioID: start.PortfolioID, Outcome: events.OutcomeSkipped, Reason: string(why), TradingDate: session.Date,
	}
	if why != "" {
		return []events.Payload{skipped}, nil
	}
	account, err := s.cfg.Broker.Account(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the account: %w", err)
	}
	if account.Blocked {
		return nil, fault.New(fault.Invalid, "the broker has blocked account %s from trading", account.ID)
	}
	key := RunKey{AccountID: account.ID, PortfolioID: start.PortfolioID, Date: session.Date}
	owner, err := s.cfg.Runs.ClaimRun(ctx, key, in.CorrelationID)
	if err != nil {
		return nil, fmt.Errorf("claim the run of %s on %s: %w", start.PortfolioID, session.Date, err)
	}
	if owner != in.CorrelationID {
		skipped.AccountID = account.ID
		skipped.Reason = fmt.Sprintf("the run of %s on %s was begun before, by workflow %s", start.PortfolioID, session.Date, owner)
		return []events.Payload{skipped}, nil
	}
	signal, err := s.signal(ctx, session.Date)
	if err != nil {
		return nil, err
	}
	signal.Run = events.Run{
		PortfolioID: start.PortfolioID, AccountID: account.ID, TradingDate: session.Date, SessionClose: session.Close.UTC(),
	}
	return []events.Payload{signal}, nil
}

// signal evaluates the strategies on the bars up to the last session before date.
func (s *Service) signal(ctx context.Context, date market.Date) (events.SignalGenerated, error) {
	last, err := s.sessionBefore(ctx, date)
	if err != nil {
		return events.SignalGenerated{}, err
	}
	symbols := s.portfolio.Symbols()
	bars, err := s.cfg.Prices.DailyBars(ctx, symbols, last)
	if err != nil {
		return events.SignalGenerated{}, fmt.Errorf("read daily bars up to %s: %w", last, err)
	}
	history, err := symphony.NewHistory(bars)
	if err != nil {
		return events.SignalGenerated{}, err
	}
	asOf, err := history.LastDate(symbols, last)
	if err != nil {
		return events.SignalGenerated{}, err
	}
	if asOf != last {
		return events.SignalGenerated{}, fault.New(fault.Transient, "the newest bars are of %s, the last session was on %s", asOf, last)
	}
	weights, signals, err := s.portfolio.Signals(history, asOf, date)
	if err != nil {
		return events.SignalGenerated{}, err
	}
	return events.SignalGenerated{AsOf: asOf, Weights: weights, Signals: signals}, nil
}

// Symbols returns what the strategies can hold or look at, sorted.
func (s *Service) Symbols() []string { return s.portfolio.Symbols() }
