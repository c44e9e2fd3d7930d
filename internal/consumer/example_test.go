package consumer_test

import (
	"context"
	"fmt"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

func Example() {
	w := &world{} // claims, bus, dead letters, traces and logs
	c, err := consumer.New(w.config(func(_ context.Context, in events.Event) ([]events.Payload, error) {
		return []events.Payload{completed("market closed")}, nil
	}))
	if err != nil {
		panic(err)
	}
	for range 2 { // the same event, twice
		if err := c.Handle(context.Background(), delivery("request-1")); err != nil {
			panic(err)
		}
	}
	for _, e := range w.published {
		fmt.Println(e.Type(), "because of", e.CausationID)
	}
	// Output: WorkflowCompleted because of event-1
}
