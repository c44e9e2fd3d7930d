package alpaca

import (
	"context"
	"errors"
	"net/http"
	"strings"

	api "github.com/alpacahq/alpaca-trade-api-go/v3/alpaca"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/broker/alpaca/conn"
	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// maxDecimals is how many decimals Alpaca takes for a quantity.
const maxDecimals = 9

// Submit implements execution.Broker. Orders are for the day, the only time in force that Alpaca takes for fractions.
//
// A 422 may say that the client id is used already; Alpaca's code for that (40010001) stands for other faults too, so the
// order is asked for: if there is one, it was this request's and is returned, or another's, which is fault.Invalid. If
// there is none although the message says that the id is used, the order is not shown yet: that is fault.Ambiguous.
func (c *Client) Submit(ctx context.Context, r execution.OrderRequest) (execution.Order, error) {
	if err := sendable(r); err != nil {
		return execution.Order{}, err
	}
	t, err := c.trading(ctx)
	if err != nil {
		return execution.Order{}, failed("submit "+r.ClientID, err)
	}
	place := api.PlaceOrderRequest{
		Symbol: r.Symbol, Qty: &r.Quantity, Side: api.Side(r.Side), Type: api.OrderType(r.Type), TimeInForce: api.Day, ClientOrderID: r.ClientID,
	}
	if r.Type == execution.OrderLimit {
		place.LimitPrice = &r.Limit
	}
	placed, err := t.PlaceOrder(place)
	if err == nil {
		o, err := order(placed)
		// The order is there, whatever is wrong with the answer.
		return o, asAmbiguous(err)
	}
	switch s := status(err); {
	case s == http.StatusUnprocessableEntity:
		known, found, lookup := c.OrderByClientID(ctx, r.ClientID)
		switch {
		case lookup != nil:
			return execution.Order{}, asAmbiguous(lookup)
		case found && same(known.OrderRequest, r):
			return known, nil
		case found:
			return execution.Order{}, fault.New(fault.Invalid, "alpaca: client order id %s belongs to another order: %s %s %s",
				r.ClientID, known.Side, known.Quantity, known.Symbol)
		case used(err):
			return execution.Order{}, asAmbiguous(failed("submit "+r.ClientID, err))
		}
	case s == 0 && fault.CodeOf(err) == fault.Internal:
		// A success whose body the official client cannot read.
		return execution.Order{}, asAmbiguous(failed("submit "+r.ClientID, err))
	}
	return execution.Order{}, failed("submit "+r.ClientID, err)
}

// used says whether Alpaca refuses a client id because it has an order with it; no code of its own says so, and the message
// has been seen with underscores and with spaces.
func used(err error) bool {
	var s *conn.StatusError
	return errors.As(err, &s) && strings.Contains(strings.ReplaceAll(s.Message, "_", " "), "client order id must be unique")
}

func asAmbiguous(err error) error { return fault.As(fault.Ambiguous, err) }

// sendable refuses what Alpaca would refuse, or would understand differently.
func sendable(r execution.OrderRequest) error {
	switch {
	case r.ClientID == "":
		return fault.New(fault.Invalid, "alpaca: order of %s has no client id", r.Symbol)
	case !r.Quantity.IsPositive() || !r.Quantity.Equal(r.Quantity.Truncate(maxDecimals)):
		return fault.New(fault.Invalid, "alpaca: order %s: quantity %s: want more than 0 and at most %d decimals", r.ClientID, r.Quantity, maxDecimals)
	case r.Type == execution.OrderLimit && !r.Limit.IsPositive(), r.Type == execution.OrderMarket && !r.Limit.IsZero():
		return fault.New(fault.Invalid, "alpaca: %s order %s has limit %s", r.Type, r.ClientID, r.Limit)
	}
	return nil
}

// same says whether two requests are for one trade. Limits may differ: a request that is made again after a crash is made
// from newer quotes.
func same(a, b execution.OrderRequest) bool {
	return a.Symbol == b.Symbol && a.Side == b.Side && a.Type == b.Type && a.Quantity.Equal(b.Quantity)
}

// OrderByClientID implements execution.Broker.
func (c *Client) OrderByClientID(ctx context.Context, id string) (execution.Order, bool, error) {
	t, err := c.trading(ctx)
	if err != nil {
		return execution.Order{}, false, failed("order "+id, err)
	}
	found, err := t.GetOrderByClientOrderID(id)
	if status(err) == http.StatusNotFound {
		return execution.Order{}, false, nil
	}
	if err != nil {
		return execution.Order{}, false, failed("order "+id, err)
	}
	o, err := order(found)
	return o, err == nil, err
}

// Cancel implements execution.Broker. Alpaca answers 422 for an order that cannot be cancelled any more. Without an id
// the address would be that of all orders, so nothing is sent and the error is fault.Internal.
func (c *Client) Cancel(ctx context.Context, brokerOrderID string) error {
	if brokerOrderID == "" {
		return fault.New(fault.Internal, "alpaca: cancel: the order has no broker id")
	}
	t, err := c.trading(ctx)
	if err != nil {
		return failed("cancel "+brokerOrderID, err)
	}
	err = t.CancelOrder(brokerOrderID)
	if err == nil || status(err) == http.StatusUnprocessableEntity {
		return nil
	}
	return failed("cancel "+brokerOrderID, err)
}

// order translates Alpaca's order.
func order(a *api.Order) (execution.Order, error) {
	state, ok := states[a.Status]
	if !ok {
		return execution.Order{}, fault.New(fault.Internal, "alpaca: order %s has the unknown status %q", a.ClientOrderID, a.Status)
	}
	if a.Qty == nil {
		return execution.Order{}, fault.New(fault.Internal, "alpaca: order %s has no quantity", a.ClientOrderID)
	}
	if state == execution.StateWorking && a.FilledQty.IsPositive() {
		state = execution.StatePartiallyFilled // pending_cancel and the like hide it
	}
	o := execution.Order{
		OrderRequest: execution.OrderRequest{
			ClientID: a.ClientOrderID, Symbol: a.Symbol, Side: market.Side(a.Side), Type: execution.OrderType(a.Type),
			Quantity: *a.Qty, Limit: value(a.LimitPrice),
		},
		BrokerID: a.ID, State: state, Filled: a.FilledQty, AveragePrice: value(a.FilledAvgPrice), SubmittedAt: a.SubmittedAt,
	}
	switch {
	case !state.Final():
	case state == execution.StateFilled && a.FilledAt != nil:
		o.FinishedAt = *a.FilledAt
	case state == execution.StateCancelled && a.CanceledAt != nil:
		o.FinishedAt = *a.CanceledAt
	case state == execution.StateExpired && a.ExpiredAt != nil:
		o.FinishedAt = *a.ExpiredAt
	case state == execution.StateRejected && a.FailedAt != nil:
		o.FinishedAt = *a.FailedAt
	default:
		o.FinishedAt = a.UpdatedAt
	}
	if state.Final() && state != execution.StateFilled {
		o.Reason = "the broker reports " + a.Status
	}
	if state == execution.StateReplaced && a.ReplacedBy != nil {
		o.Reason += ": order " + *a.ReplacedBy + " stands in its place, which is not ours"
	}
	return o, nil
}

func value(d *decimal.Decimal) decimal.Decimal {
	if d == nil {
		return decimal.Decimal{}
	}
	return *d
}

// states translates Alpaca's order statuses (docs.alpaca.markets/docs/orders-at-alpaca, "Order Lifecycle"). An order
// that was replaced lives on under another id; we never replace one, so somebody else did. Orders are for the day, so one
// that is done for the day has expired.
var states = map[string]execution.State{
	"new": execution.StateWorking, "accepted": execution.StateWorking, "pending_new": execution.StateWorking,
	"accepted_for_bidding": execution.StateWorking, "held": execution.StateWorking, "stopped": execution.StateWorking,
	"suspended": execution.StateWorking, "calculated": execution.StateWorking,
	"pending_cancel": execution.StateWorking, "pending_replace": execution.StateWorking,
	"partially_filled": execution.StatePartiallyFilled,
	"filled":           execution.StateFilled,
	"canceled":         execution.StateCancelled,
	"replaced":         execution.StateReplaced,
	"expired":          execution.StateExpired,
	"done_for_day":     execution.StateExpired,
	"rejected":         execution.StateRejected,
}
