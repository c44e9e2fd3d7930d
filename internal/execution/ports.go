package execution

import (
	"context"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// Broker is the part of a broker that a plan is traded through. It is safe for concurrent use.
type Broker interface {
	// Account returns cash and buying power in US dollars.
	Account(ctx context.Context) (market.Account, error)
	// Positions returns every holding of the account; none of them is short.
	Positions(ctx context.Context) ([]market.Position, error)
	// Clock returns the broker's time in the exchange's time zone; it need not be the host's.
	Clock(ctx context.Context) (market.Clock, error)
	// Session returns the calendar's session of date; trading is false on a day without one.
	Session(ctx context.Context, date market.Date) (s market.Session, trading bool, err error)
	// Quotes returns a valid quote for each of symbols, or a fault.Transient error that names the ones without.
	Quotes(ctx context.Context, symbols []string) (map[string]market.Quote, error)
	// Asset returns what the broker allows for symbol, or a fault.Invalid error if it does not know it.
	Asset(ctx context.Context, symbol string) (market.Asset, error)
	// Submit places an order and returns it as the broker sees it. If the broker already has an order with the client
	// id, it returns that one: the same request twice is one order. It returns a fault.Invalid error with the broker's
	// reason if the order is refused, and a fault.Ambiguous error if the broker may have accepted it.
	Submit(ctx context.Context, r OrderRequest) (Order, error)
	// OrderByClientID returns the order with the client id as the broker sees it; found is false if the broker has none.
	OrderByClientID(ctx context.Context, id string) (o Order, found bool, err error)
	// Cancel asks the broker to cancel an order. Success does not say that it is cancelled: a fill may overtake it, which
	// only another look tells. An order that has come to its end already is no error.
	Cancel(ctx context.Context, brokerOrderID string) error
}

// Ledger is the lasting record of every order and fill. It is safe for concurrent use, and what it returned success for
// is read by every later call.
type Ledger interface {
	// PutOrder stores o under its client id, and together with it, all or nothing, its fills that are new, under their
	// numbers: the fills 1 to Order.Fills always make up Order.Filled. Storing the same again succeeds. Knowledge is
	// never lost: a smaller filled quantity or an open state does not replace a larger quantity or a final state; the
	// call then changes nothing and returns a fault.Transient error, as another attempt is ahead of this one.
	PutOrder(ctx context.Context, o Order, fresh ...Fill) error
	// Order returns what was stored last under a client id; found is false if nothing was.
	Order(ctx context.Context, clientID string) (o Order, found bool, err error)
}

// PlanKey is what may be traded once: there is one executed plan for each account, portfolio and trading date.
type PlanKey struct {
	AccountID   string
	PortfolioID string
	Date        market.Date
}

// Plans keeps the plan keys. They never expire.
type Plans interface {
	// ClaimPlan takes key for the plan planID, unless another holds it, and returns the id of the plan that holds it
	// afterwards. Claiming a key again for its owner succeeds. It is safe for concurrent use: of several claimants one
	// becomes the owner and all are told the same id.
	ClaimPlan(ctx context.Context, key PlanKey, planID string) (owner string, err error)
}

// Switch is the kill switch.
type Switch interface {
	// TradingEnabled says whether orders may be submitted now. An error is never an answer.
	TradingEnabled(ctx context.Context) (bool, error)
}

// OrderType is how an order is priced.
type OrderType string

// The order types that are sent.
const (
	OrderMarket OrderType = "market"
	OrderLimit  OrderType = "limit"
)

// OrderRequest is an order for the running session, as it is sent to a broker.
type OrderRequest struct {
	// ClientID is ours: it derives from plan, symbol, side and step, so a repeated request is recognised.
	ClientID string
	Symbol   string
	Side     market.Side
	Type     OrderType
	// Quantity is the number of shares, positive, with at most nine decimals.
	Quantity decimal.Decimal
	// Limit is the limit price; it is zero for market orders.
	Limit decimal.Decimal
}

// Order is a request and what became of it. A broker fills the request and the fields up to FinishedAt; the rest is
// known to the ledger alone.
type Order struct {
	OrderRequest
	// BrokerID is empty as long as the broker has not answered, and for ever if it refused the order.
	BrokerID string
	State    State
	// Filled is the quantity that was traded so far, AveragePrice its average price; zero if nothing was.
	Filled       decimal.Decimal
	AveragePrice decimal.Decimal
	// Reason says why an order ended without being filled.
	Reason string
	// SubmittedAt is when the order was sent, FinishedAt when it reached its final state, by the broker's clock.
	SubmittedAt time.Time
	FinishedAt  time.Time

	// PlanID, AccountID, PortfolioID, TradingDate and CorrelationID say what the order belongs to.
	PlanID        string
	AccountID     string
	PortfolioID   string
	TradingDate   market.Date
	CorrelationID string
	// Step counts the orders of one trade, from 0.
	Step int
	// ArrivalPrice is the middle of the spread when the order's trade began.
	ArrivalPrice decimal.Decimal
	// Fills is the number of fills that make up Filled.
	Fills int
	// Cause is why we have asked the broker to cancel the order, if we have: it is known before the broker is asked.
	Cause Cause
}

// Fill is a part of an order that was traded. Brokers are asked, not listened to: trades between two looks are one fill
// at their average price.
type Fill struct {
	ClientID string
	// Number counts the fills of an order, from 1.
	Number   int
	Quantity decimal.Decimal
	Price    decimal.Decimal
	At       time.Time
}
