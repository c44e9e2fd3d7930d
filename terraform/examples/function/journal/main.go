// Command journal is one more function on the bus, for the example beside it: it writes a line of log for each order that was
// traded. It imports what any other module can import of the project: pkg.
//
// An event may come twice; the event's id in each line tells so. A function that does more than writing claims the id first, as
// docs/delivery.md says.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/bus/lambdabus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

func main() {
	entry := lambdabus.New(lambdabus.Commands{Smoke: smoke})
	entry.Subscribe("journal", journal(os.Stdout), events.TypeTradeExecuted)
	lambda.Start(entry)
}

// smoke answers a deployment, which lets no event come to a version that does not answer. There is nothing to try out: journal
// needs no other service.
func smoke(context.Context) (any, error) { return map[string]string{"function": "journal"}, nil }

func journal(w io.Writer) bus.Handler {
	return func(_ context.Context, d bus.Delivery) error {
		if d.ReplayName != "" {
			return nil // it was written when it happened
		}
		e, err := events.Decode(d.DetailType, d.Detail)
		if err != nil {
			return err
		}
		traded, ok := e.Payload.(events.TradeExecuted)
		if !ok {
			return fault.New(fault.Invalid, "journal takes %s, not %s: its rule and its subscription disagree", events.TypeTradeExecuted, e.Type())
		}
		for _, o := range traded.Orders {
			if _, err := fmt.Fprintf(w, "%s %s %s %s %s\n", e.ID, o.Side, o.Symbol, o.Status, o.ClientOrderID); err != nil {
				return fmt.Errorf("write %s into the journal: %w", o.ClientOrderID, err)
			}
		}
		return nil
	}
}
