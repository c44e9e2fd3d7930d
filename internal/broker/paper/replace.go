package paper

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/shopspring/decimal"
)

// replacement is what may be changed of an open order; what is absent stays as it is
// (docs.alpaca.markets/reference/patchorderbyorderid).
type replacement struct {
	Qty           *decimal.Decimal `json:"qty"`
	LimitPrice    *decimal.Decimal `json:"limit_price"`
	TimeInForce   string           `json:"time_in_force"`
	ClientOrderID string           `json:"client_order_id"`
	StopPrice     *decimal.Decimal `json:"stop_price"`
	Trail         *decimal.Decimal `json:"trail"`
}

// of returns the ticket that takes the place of o's.
func (r replacement) of(o order) (ticket, error) {
	d := orderDocument{
		Symbol: o.symbol, Side: string(o.side), Type: o.kind, Qty: &o.quantity, LimitPrice: o.limit, TimeInForce: o.timeInForce,
		ClientOrderID: r.ClientOrderID, StopPrice: r.StopPrice, TrailPrice: r.Trail,
	}
	if r.Qty != nil {
		d.Qty = r.Qty
	}
	if r.LimitPrice != nil {
		d.LimitPrice = r.LimitPrice
	}
	if r.TimeInForce != "" {
		d.TimeInForce = r.TimeInForce
	}
	return d.ticket()
}

// replace puts a new order in the place of an open one. The new one may use what the old one holds; if it is refused the
// old one stays.
func (x *exchange) replace(now time.Time, id string, r replacement, fillable decimal.Decimal) (order, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.advance(now)
	old, ok := x.byID[id]
	switch {
	case !ok:
		return order{}, refuse(http.StatusNotFound, codeNotFound, "order not found for %s", id)
	case !old.open():
		return order{}, refuse(http.StatusUnprocessableEntity, codeUnprocessed, "order is already in %q state", old.status)
	case old.filled.IsPositive():
		return order{}, refuse(http.StatusUnprocessableEntity, codeUnprocessed, "the paper simulator does not replace orders that are filled in part")
	}
	t, err := r.of(*old)
	if err != nil {
		return order{}, err
	}
	before := *old
	old.end(statusReplaced, now)
	successor, err := x.place(now, t, fillable)
	if err != nil {
		*old = before
		return order{}, err
	}
	old.replacedBy, x.byID[successor.id].replaces = successor.id, old.id
	successor.replaces = old.id
	return successor, nil
}

func (s *Server) patchOrder(r *http.Request) (any, error) {
	var change replacement
	if err := json.NewDecoder(r.Body).Decode(&change); err != nil {
		return nil, refuse(http.StatusUnprocessableEntity, codeMalformed, "request body format is invalid: %v", err)
	}
	o, err := s.exchange.replace(s.clock.now(), r.PathValue("id"), change, fillable(r))
	if err != nil {
		return nil, err
	}
	return o.document(), nil
}
