package membus_test

import (
	"context"
	"fmt"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/bus/membus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

func Example() {
	ctx := context.Background()
	b, err := membus.New(membus.Config{SourcePrefix: "alchemiser", Now: time.Now})
	if err != nil {
		fmt.Println(err)
		return
	}
	b.Subscribe("monitor", func(_ context.Context, d bus.Delivery) error {
		fmt.Println(d.Source, d.DetailType)
		return nil
	}, events.TypeWorkflowCompleted)

	if err := b.Publish(ctx, completed("e-1")); err != nil {
		fmt.Println(err)
	}
	if err := b.Wait(ctx); err != nil {
		fmt.Println(err)
	}
	if err := b.Close(ctx); err != nil {
		fmt.Println(err)
	}
	// Output: alchemiser.execution WorkflowCompleted
}
