// Package invariants says what must hold when everything that a soak began has come to its end: no event is lost, no order
// is made twice, and ledger, account and orders tell the same. It looks at a snapshot of what AWS and the broker
// hold; it knows neither how the snapshot was taken nor what went wrong before.
package invariants

import (
	"slices"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// Snapshot is everything that is there at the end. Check only reads it.
type Snapshot struct {
	Functions []Function
	// Events are those that the bus accepted, each once.
	Events []events.Event
	// Archived and Logged count what archive and event log hold, an event that was published twice twice, replays not at all.
	Archived, Logged int
	// Claims are what the functions have made of the events, Outbox what they kept to be published.
	Claims map[consumer.Key]Claim
	Outbox []Kept
	// Letters are the dead letters that came, whether they were redriven or not; Left is how many lie in the queues still.
	Letters []Letter
	Left    int
	// Runs are the workflows that were started, Ledger the orders that were written down, by client order id.
	Runs   []Run
	Ledger map[string]LedgerOrder
	// Timeline is how the workflows stand, by correlation id.
	Timeline map[string]Standing
	Replay   Replay
}

// Function is a consumer of events.
type Function struct {
	Name string
	// Types are what its rule lets pass; none means every type.
	Types []events.Type
}

// Wants says whether the rule of f matches events of type t.
func (f Function) Wants(t events.Type) bool { return len(f.Types) == 0 || slices.Contains(f.Types, t) }

// Claim is how far a function has come with an event.
type Claim struct {
	Status consumer.Status
	Reason string
	// Attempts is how often a delivery took the claim in its last round.
	Attempts int
}

// Kept is an event in the outbox of By.
type Kept struct {
	By   consumer.Key
	ID   string
	Type events.Type
}

// Letter is a dead letter.
type Letter struct{ Function, EventID, Reason string }

// Run is a workflow with the broker's account around it. The account is nobody else's meanwhile.
type Run struct {
	ID            string
	Before, After Account
	Orders        []Order
}

// Account is cash in US dollars, and shares by symbol.
type Account struct {
	Cash   decimal.Decimal
	Shares map[string]decimal.Decimal
}

// Order is an order as the broker has it.
type Order struct {
	ClientID     string           `json:"client_order_id"`
	Symbol       string           `json:"symbol"`
	Side         market.Side      `json:"side"`
	Status       string           `json:"status"`
	Filled       decimal.Decimal  `json:"filled_qty"`
	AveragePrice *decimal.Decimal `json:"filled_avg_price"`
}

// value is what the fills have cost.
func (o Order) value() decimal.Decimal {
	if o.AveragePrice == nil {
		return decimal.Zero
	}
	return o.Filled.Mul(*o.AveragePrice)
}

// LedgerOrder is an order with its fills as they were written down.
type LedgerOrder struct {
	CorrelationID, PlanID, Symbol string
	Side                          market.Side
	Step                          int
	// BrokerID is empty if the broker has never acknowledged the order.
	BrokerID string
	// Final says that nothing more can become of it.
	Final  bool
	Filled decimal.Decimal
	Fills  []Fill
}

// Fill is a part of an order.
type Fill struct{ Quantity, Price decimal.Decimal }

// Standing is what the timeline says of a workflow.
type Standing struct {
	State   monitor.State
	Entries int
}

// Replay is what the replay of the whole archive has done.
type Replay struct {
	Name string
	// Events are the ids of what it delivered.
	Events map[string]bool
	// NewEvents and NewOrders count what was published and ordered since it began.
	NewEvents, NewOrders int
}
