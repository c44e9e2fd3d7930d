package workflow

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/internal/report"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// linesAtOnce is how many lines of a plan are looked up side by side.
const linesAtOnce = 8

// Orders returns the orders of a plan as the ledger has them now, with their fills: those that are on their way too, and
// those of an attempt that died before it could report. They stand in the order of the plan's lines and their steps.
func (c *Client) Orders(ctx context.Context, plan events.RebalancePlanned) ([]report.Booked, error) {
	lines := make([][]report.Booked, len(plan.Trades))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(linesAtOnce)
	for i, trade := range plan.Trades {
		group.Go(func() error {
			for step := 0; ; step++ { // each step follows the one before
				id := execution.OrderID(plan.PlanID, trade.Symbol, trade.Side, step)
				order, found, err := c.store.Order(ctx, id)
				if err != nil {
					return fmt.Errorf("read the order of %s, step %d, in the ledger: %w", trade.Symbol, step, err)
				}
				if !found {
					return nil
				}
				fills, err := c.store.Fills(ctx, id)
				if err != nil {
					return fmt.Errorf("read the fills of order %s in the ledger: %w", id, err)
				}
				lines[i] = append(lines[i], booked(order, fills))
			}
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(lines...), nil
}

func booked(o execution.Order, fills []execution.Fill) report.Booked {
	b := report.Booked{Order: events.ExecutedOrder{
		ClientOrderID: o.ClientID, BrokerOrderID: o.BrokerID, Symbol: o.Symbol, Side: o.Side, Step: o.Step, OrderType: string(o.Type), Quantity: o.Quantity,
		LimitPrice: o.Limit, FilledQuantity: o.Filled, AveragePrice: o.AveragePrice, ArrivalPrice: o.ArrivalPrice, Status: events.OrderStatus(o.State),
		Reason: o.Reason, SubmittedAt: o.SubmittedAt, FinishedAt: o.FinishedAt,
	}}
	for _, f := range fills {
		b.Fills = append(b.Fills, report.Fill{Quantity: f.Quantity, Price: f.Price, At: f.At})
	}
	return b
}
