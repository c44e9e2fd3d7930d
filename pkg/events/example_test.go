package events_test

import (
	"fmt"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// A handler gets an event and returns a payload; the event that carries it follows from the first, under an id that is
// the same however often the handler runs.
func Example() {
	start, err := events.Decode("WorkflowStarted", []byte(`{
		"event_id": "start-core", "event_type": "WorkflowStarted", "schema_version": "1.0",
		"correlation_id": "run-core", "causation_id": "run-core", "timestamp": "2026-03-02T20:45:00Z",
		"source_module": "scheduler", "source_component": "schedule", "metadata": {}, "portfolio_id": "core"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	skipped := events.WorkflowCompleted{PortfolioID: start.Payload.Portfolio(), Outcome: events.OutcomeSkipped, Reason: "the market is closed"}
	end := events.Follow(start, 0, skipped, events.Origin{Module: "strategy", Component: "calendar"}, time.Date(2026, 3, 2, 20, 45, 1, 0, time.UTC))
	wire, err := events.Encode(end, "alchemiser")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(wire.Source, wire.DetailType, end.CorrelationID, end.CausationID)

	_, err = events.Decode("WorkflowCompleted", []byte(`{"event_type": "WorkflowCompleted", "orders": "2"}`))
	fmt.Println(err != nil)
	// Output:
	// alchemiser.strategy WorkflowCompleted run-core start-core
	// true
}
