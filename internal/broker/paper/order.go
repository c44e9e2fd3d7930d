package paper

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// The statuses that this exchange uses, in Alpaca's spelling.
const (
	statusPendingNew = "pending_new"
	statusAccepted   = "accepted" // waits for the market to open
	statusNew        = "new"
	statusPartial    = "partially_filled"
	statusFilled     = "filled"
	statusCancelled  = "canceled"
	statusExpired    = "expired"
	statusReplaced   = "replaced"
)

const (
	maxDecimals = 9
	maxClientID = 128
)

// ticket is a checked request for an order.
type ticket struct {
	symbol      string
	side        market.Side
	kind        string // market or limit
	timeInForce string // day or gtc
	quantity    decimal.Decimal
	limit       *decimal.Decimal
	clientID    string // empty: the exchange makes one
	closing     bool   // sells a position whole
}

// meetsOwn says whether t could trade with an open order of the same account, which is forbidden: on opposite sides of one
// symbol, a market order with any and limits that cross (docs.alpaca.markets/docs/user-protection, "Preventing Wash
// Trades").
func (t ticket) meetsOwn(o ticket) bool {
	if t.symbol != o.symbol || t.side == o.side {
		return false
	}
	if t.limit == nil || o.limit == nil {
		return true
	}
	buy, sell := t.limit, o.limit
	if t.side == market.Sell {
		buy, sell = sell, buy
	}
	return buy.GreaterThanOrEqual(*sell)
}

type order struct {
	ticket
	id       string
	status   string
	filled   decimal.Decimal
	spent    decimal.Decimal // sum of quantity times price of the fills
	fillable decimal.Decimal // what will ever be filled
	// All times are the simulator's; finished is zero while the order is open.
	submitted, updated time.Time
	finished           time.Time
	// The ids of the orders in whose place this one stands, and that stands in its place.
	replaces, replacedBy string
}

func (o *order) open() bool {
	switch o.status {
	case statusFilled, statusCancelled, statusExpired, statusReplaced:
		return false
	}
	return true
}

// half is the part of the order that one look fills in a book: whole shares if the order is of whole shares.
func (o *order) half() decimal.Decimal {
	places := int32(maxDecimals)
	if o.quantity.IsInteger() {
		places = 0
	}
	return o.quantity.Div(decimal.NewFromInt(2)).RoundCeil(places)
}

// meets returns the price at which the order trades at a quote; ok is false if it has to wait. Market orders and limits
// that reach the far side of the spread trade there. A limit inside the spread waits in a book, as nobody need come for
// it; instant fills are for those who would not wait, so there it trades at its limit.
func (o *order) meets(q market.Quote, fills Fills) (price decimal.Decimal, ok bool) {
	near, far := q.Bid, q.Ask
	if o.side == market.Sell {
		near, far = far, near
	}
	if o.limit == nil {
		return far, true
	}
	reaches := func(side decimal.Decimal) bool {
		if o.side == market.Buy {
			return o.limit.GreaterThanOrEqual(side)
		}
		return o.limit.LessThanOrEqual(side)
	}
	switch {
	case reaches(far):
		return far, true
	case fills == FillsInstant && reaches(near):
		return *o.limit, true
	}
	return decimal.Decimal{}, false
}

func (o *order) fill(now time.Time, quantity, price decimal.Decimal) {
	o.filled, o.spent = o.filled.Add(quantity), o.spent.Add(quantity.Mul(price))
	o.status, o.updated = statusPartial, now
	if o.filled.Equal(o.quantity) {
		o.end(statusFilled, now)
	}
}

func (o *order) end(status string, now time.Time) { o.status, o.updated, o.finished = status, now, now }

// average is the average price of the fills, to nine decimals.
func (o *order) average() decimal.Decimal {
	if o.filled.IsZero() {
		return decimal.Decimal{}
	}
	return o.spent.DivRound(o.filled, maxDecimals)
}

// orderDocument is what a client may send. What is not served is named here, to be refused.
type orderDocument struct {
	Symbol         string           `json:"symbol"`
	Qty            *decimal.Decimal `json:"qty"`
	Notional       *decimal.Decimal `json:"notional"`
	Side           string           `json:"side"`
	Type           string           `json:"type"`
	TimeInForce    string           `json:"time_in_force"`
	LimitPrice     *decimal.Decimal `json:"limit_price"`
	ClientOrderID  string           `json:"client_order_id"`
	ExtendedHours  bool             `json:"extended_hours"`
	OrderClass     string           `json:"order_class"`
	StopPrice      *decimal.Decimal `json:"stop_price"`
	TrailPrice     *decimal.Decimal `json:"trail_price"`
	TrailPercent   *decimal.Decimal `json:"trail_percent"`
	TakeProfit     json.RawMessage  `json:"take_profit"`
	StopLoss       json.RawMessage  `json:"stop_loss"`
	Legs           json.RawMessage  `json:"legs"`
	PositionIntent string           `json:"position_intent"`
}

func (d orderDocument) unserved() string {
	given := func(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }
	switch {
	case d.Notional != nil:
		return "notional"
	case d.ExtendedHours:
		return "extended_hours"
	case d.OrderClass != "" && d.OrderClass != "simple":
		return "order_class " + d.OrderClass
	case d.StopPrice != nil || d.TrailPrice != nil || d.TrailPercent != nil:
		return "a stop"
	case given(d.TakeProfit) || given(d.StopLoss) || given(d.Legs):
		return "legs"
	case d.PositionIntent == "sell_to_open" || d.PositionIntent == "buy_to_close":
		return "position_intent " + d.PositionIntent
	}
	return ""
}

// ticket checks the document as Alpaca does.
func (d orderDocument) ticket() (ticket, error) {
	malformed := func(format string, args ...any) (ticket, error) {
		return ticket{}, refuse(http.StatusUnprocessableEntity, codeMalformed, format, args...)
	}
	unprocessed := func(format string, args ...any) (ticket, error) {
		return ticket{}, refuse(http.StatusUnprocessableEntity, codeUnprocessed, format, args...)
	}
	if what := d.unserved(); what != "" {
		return unprocessed("the paper simulator does not serve orders with %s", what)
	}
	side, sideErr := market.ParseSide(d.Side)
	switch {
	case d.Symbol == "":
		return malformed("symbol is required")
	case d.Qty == nil:
		return malformed("qty or notional is required")
	case !d.Qty.IsPositive():
		return malformed("qty must be > 0")
	case !d.Qty.Equal(d.Qty.Truncate(maxDecimals)):
		return malformed("qty increment must be at least 0.000000001")
	case sideErr != nil:
		return malformed("invalid side: %s", d.Side)
	case d.Type != "market" && d.Type != "limit":
		return unprocessed("the paper simulator does not serve orders of type %q", d.Type)
	case d.TimeInForce != "day" && d.TimeInForce != "gtc":
		return unprocessed("the paper simulator does not serve time_in_force %q", d.TimeInForce)
	case !d.Qty.IsInteger() && d.TimeInForce != "day":
		return unprocessed("fractional orders must be DAY orders")
	case d.Type == "market" && d.LimitPrice != nil:
		return malformed("market orders require no limit price")
	case d.Type == "limit" && (d.LimitPrice == nil || !d.LimitPrice.IsPositive()):
		return malformed("limit orders require a limit price")
	case d.LimitPrice != nil && !d.LimitPrice.Equal(d.LimitPrice.Truncate(tick(*d.LimitPrice))):
		return unprocessed("invalid limit_price %s. sub-penny increment does not fulfill minimum pricing criteria", d.LimitPrice)
	case len(d.ClientOrderID) > maxClientID:
		return malformed("client_order_id must be no more than %d characters", maxClientID)
	}
	return ticket{
		symbol: d.Symbol, side: side, kind: d.Type, timeInForce: d.TimeInForce, quantity: *d.Qty, limit: d.LimitPrice, clientID: d.ClientOrderID,
	}, nil
}
