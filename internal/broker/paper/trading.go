package paper

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	api "github.com/alpacahq/alpaca-trade-api-go/v3/alpaca"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// The documents are the official client's: what it reads is what is served.

func (s *Server) getAccount(*http.Request) (any, error) {
	p := s.exchange.portfolio(s.clock.now())
	invested := p.equity.Sub(p.cash)
	return api.Account{
		ID: accountID, AccountNumber: "PAPER", Status: "ACTIVE", Currency: "USD", Multiplier: decimal.NewFromInt(1),
		Cash: p.cash, BuyingPower: p.buyingPower, RegTBuyingPower: p.buyingPower, EffectiveBuyingPower: p.buyingPower,
		NonMarginBuyingPower: p.buyingPower, Equity: p.equity, LastEquity: p.equity, PortfolioValue: p.equity,
		LongMarketValue: invested, PositionMarketValue: invested, CreatedAt: s.exchange.created,
	}, nil
}

func (s *Server) getPositions(*http.Request) (any, error) {
	held := s.exchange.portfolio(s.clock.now()).positions
	out := make([]api.Position, 0, len(held))
	for _, p := range held {
		out = append(out, p.document())
	}
	return out, nil
}

func (s *Server) getPosition(r *http.Request) (any, error) {
	p, err := s.position(r.PathValue("symbol"))
	if err != nil {
		return nil, err
	}
	return p.document(), nil
}

func (s *Server) position(symbol string) (position, error) {
	held := s.exchange.portfolio(s.clock.now()).positions
	i := slices.IndexFunc(held, func(p position) bool { return p.symbol == symbol })
	if i < 0 {
		return position{}, refuse(http.StatusNotFound, codeNotFound, "position does not exist")
	}
	return held[i], nil
}

// closePosition sells the whole position at the market.
func (s *Server) closePosition(r *http.Request) (any, error) {
	if r.URL.Query().Has("qty") || r.URL.Query().Has("percentage") {
		return nil, refuse(http.StatusUnprocessableEntity, codeUnprocessed, "the paper simulator closes whole positions only")
	}
	p, err := s.position(r.PathValue("symbol"))
	if err != nil {
		return nil, err
	}
	now := s.clock.now()
	o, err := s.exchange.submit(now, ticket{symbol: p.symbol, side: market.Sell, kind: "market", timeInForce: "day", quantity: p.quantity, closing: true}, fillable(r))
	if err != nil {
		return nil, err
	}
	return o.document(), nil
}

func (p position) document() api.Position {
	profit := p.value().Sub(p.cost)
	value, price := p.value(), p.price
	return api.Position{
		AssetID: assetID(p.symbol), Symbol: p.symbol, Exchange: "PAPER", AssetClass: api.USEquity, Side: "long",
		Qty: p.quantity, QtyAvailable: p.available, AvgEntryPrice: p.cost.DivRound(p.quantity, maxDecimals), CostBasis: p.cost,
		MarketValue: &value, CurrentPrice: &price, LastdayPrice: &price, UnrealizedPL: &profit,
	}
}

func (s *Server) postOrder(r *http.Request) (any, error) {
	var d orderDocument
	if err := json.NewDecoder(r.Body).Decode(&d); err != nil {
		return nil, refuse(http.StatusUnprocessableEntity, codeMalformed, "request body format is invalid: %v", err)
	}
	t, err := d.ticket()
	if err != nil {
		return nil, err
	}
	o, err := s.exchange.submit(s.clock.now(), t, fillable(r))
	if err != nil {
		return nil, err
	}
	return o.document(), nil
}

func (s *Server) getOrder(r *http.Request) (any, error) {
	id := r.PathValue("id")
	if o, ok := s.exchange.orderByID(s.clock.now(), id); ok {
		return o.document(), nil
	}
	return nil, refuse(http.StatusNotFound, codeNotFound, "order not found for %s", id)
}

func (s *Server) getOrderByClientID(r *http.Request) (any, error) {
	id := r.URL.Query().Get("client_order_id")
	if o, ok := s.exchange.orderByClientID(s.clock.now(), id); ok {
		return o.document(), nil
	}
	return nil, refuse(http.StatusNotFound, codeNotFound, "order not found for %s", id)
}

func (s *Server) deleteOrder(r *http.Request) (any, error) {
	return nil, s.exchange.cancel(s.clock.now(), r.PathValue("id"))
}

// getOrders serves the filters status, symbols, side, direction and limit.
func (s *Server) getOrders(r *http.Request) (any, error) {
	q := r.URL.Query()
	for _, name := range []string{"after", "until"} {
		if q.Has(name) {
			return nil, refuse(http.StatusUnprocessableEntity, codeUnprocessed, "the paper simulator does not filter orders by %s", name)
		}
	}
	limit := 50
	if raw := q.Get("limit"); raw != "" {
		n, err := strconv.Atoi(raw)
		if err != nil || n < 1 || n > 500 {
			return nil, refuse(http.StatusUnprocessableEntity, codeMalformed, "limit is %q, want 1 to 500", raw)
		}
		limit = n
	}
	status := q.Get("status")
	if !slices.Contains([]string{"", "open", "closed", "all"}, status) {
		return nil, refuse(http.StatusUnprocessableEntity, codeMalformed, "status is %q, want open, closed or all", status)
	}
	symbols := strings.FieldsFunc(q.Get("symbols"), func(r rune) bool { return r == ',' })
	found := s.exchange.list(s.clock.now(), func(o order) bool {
		return (status == "all" || o.open() == (status != "closed")) &&
			(len(symbols) == 0 || slices.Contains(symbols, o.symbol)) &&
			(q.Get("side") == "" || q.Get("side") == string(o.side))
	})
	if q.Get("direction") != "asc" {
		slices.Reverse(found)
	}
	out := []api.Order{}
	for _, o := range found[:min(limit, len(found))] {
		out = append(out, o.document())
	}
	return out, nil
}

func (o *order) document() api.Order {
	quantity := o.quantity
	d := api.Order{
		ID: o.id, ClientOrderID: o.clientID, CreatedAt: o.submitted, SubmittedAt: o.submitted, UpdatedAt: o.updated,
		AssetID: assetID(o.symbol), Symbol: o.symbol, AssetClass: api.USEquity, OrderClass: api.Simple, Type: api.OrderType(o.kind),
		Side: api.Side(o.side), TimeInForce: api.TimeInForce(o.timeInForce), Status: o.status, Qty: &quantity,
		FilledQty: o.filled, LimitPrice: o.limit,
	}
	if o.filled.IsPositive() {
		average := o.average()
		d.FilledAvgPrice = &average
	}
	finished := o.finished
	switch o.status {
	case statusFilled:
		d.FilledAt = &finished
	case statusCancelled:
		d.CanceledAt = &finished
	case statusExpired:
		d.ExpiredAt = &finished
	case statusReplaced:
		d.ReplacedAt, d.ReplacedBy = &finished, &o.replacedBy
	}
	if o.replaces != "" {
		d.Replaces = &o.replaces
	}
	return d
}

func (s *Server) getClock(*http.Request) (any, error) {
	now := s.clock.now()
	opens, closes := s.market.next(now)
	return api.Clock{Timestamp: now, IsOpen: s.market.open(now), NextOpen: opens, NextClose: closes}, nil
}

// maxCalendar bounds an answer, in days.
const maxCalendar = 20_000

func (s *Server) getCalendar(r *http.Request) (any, error) {
	day := func(name string, standard market.Date) (time.Time, error) {
		date, err := market.ParseDate(r.URL.Query().Get(name))
		if r.URL.Query().Get(name) == "" {
			date, err = standard, nil
		}
		if err != nil {
			return time.Time{}, refuse(http.StatusUnprocessableEntity, codeMalformed, "%s: %v", name, err)
		}
		return s.market.at(date, "12:00"), nil
	}
	start, err := day("start", s.market.days[0])
	if err != nil {
		return nil, err
	}
	end, err := day("end", market.DateOf(s.clock.now().AddDate(1, 0, 0)))
	if err != nil {
		return nil, err
	}
	out := []api.CalendarDay{}
	for n := 0; !start.After(end); start, n = start.AddDate(0, 0, 1), n+1 {
		if n == maxCalendar {
			return nil, refuse(http.StatusUnprocessableEntity, codeMalformed, "want at most %d days", maxCalendar)
		}
		if session, ok := s.market.session(market.DateOf(start)); ok {
			out = append(out, api.CalendarDay{Date: string(session.Date), Open: session.Open.Format("15:04"), Close: session.Close.Format("15:04")})
		}
	}
	return out, nil
}

func (s *Server) getAsset(r *http.Request) (any, error) {
	symbol := r.PathValue("symbol")
	if _, ok := s.market.bars[symbol]; !ok {
		return nil, refuse(http.StatusNotFound, codeNotFound, "asset not found for %s", symbol)
	}
	_, listed := s.market.close(symbol, s.clock.now())
	l := s.exchange.listing(symbol)
	return api.Asset{
		ID: assetID(symbol), Class: api.USEquity, Exchange: "PAPER", Symbol: symbol, Name: symbol, Status: api.AssetActive,
		Tradable: listed && !l.untradable, Fractionable: !l.whole, Attributes: []string{},
	}, nil
}

func assetID(symbol string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte("asset "+symbol)).String()
}
