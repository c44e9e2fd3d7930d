package paper

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/shopspring/decimal"
)

// accountID is the id of the one account.
const accountID = "9d1f0c52-6a54-4c39-9d7e-0a1c2b3d4e5f"

// maxRequest bounds a request's body.
const maxRequest = 1 << 20

// Config is what a Server is made of.
type Config struct {
	Prices Prices
	// Cash is what the account starts with, in US dollars, not negative.
	Cash decimal.Decimal
	// Positions are held from the start, by symbol; they cost what they are worth then.
	Positions map[string]decimal.Decimal
	Fills     Fills
	// RateLimit is the number of requests a minute that each API key may make; 0 is no limit.
	RateLimit int
	// SpreadBps is the distance of bid and ask from the last close, each, in basis points.
	SpreadBps decimal.Decimal
}

// Server serves the API. It is an http.Handler, safe for concurrent use.
type Server struct {
	mux      *http.ServeMux
	market   *exchangeMarket
	exchange *exchange
	clock    *clock
	limiter  limiter
	faults   faults
	pages    pages
	served   map[string]bool
	// cash and held are what the account starts with.
	cash decimal.Decimal
	held map[string]holding
}

// New checks cfg whole.
func New(cfg Config) (*Server, error) {
	var problems []error
	if cfg.Prices == nil {
		return nil, errors.New("paper: invalid config: prices are required")
	}
	m, err := newMarket(cfg.Prices, cfg.SpreadBps)
	if err != nil {
		return nil, fmt.Errorf("paper: invalid config: %w", err)
	}
	if cfg.Cash.IsNegative() {
		problems = append(problems, fmt.Errorf("cash is %s, want 0 or more", cfg.Cash))
	}
	if cfg.Fills != FillsInstant && cfg.Fills != FillsBook {
		problems = append(problems, fmt.Errorf("fills are %q, want %s or %s", cfg.Fills, FillsInstant, FillsBook))
	}
	if cfg.RateLimit < 0 {
		problems = append(problems, fmt.Errorf("rate limit is %d, want 0 or more", cfg.RateLimit))
	}
	if cfg.SpreadBps.IsNegative() || cfg.SpreadBps.GreaterThan(decimal.NewFromInt(1000)) {
		problems = append(problems, fmt.Errorf("spread is %s basis points, want 0 to 1000", cfg.SpreadBps))
	}
	start := m.start()
	held := map[string]holding{}
	for symbol, quantity := range cfg.Positions {
		price, ok := m.close(symbol, start)
		switch {
		case !ok:
			problems = append(problems, fmt.Errorf("position %s: there are no prices of it", symbol))
		case !quantity.IsPositive() || !quantity.Equal(quantity.Truncate(maxDecimals)):
			problems = append(problems, fmt.Errorf("position %s: quantity is %s, want more than 0 and at most %d decimals", symbol, quantity, maxDecimals))
		default:
			held[symbol] = holding{quantity: quantity, cost: quantity.Mul(price)}
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("paper: invalid config: %w", err)
	}
	s := &Server{
		mux: http.NewServeMux(), served: map[string]bool{}, market: m, clock: &clock{at: start}, limiter: limiter{limit: cfg.RateLimit},
		exchange: &exchange{market: m, fills: cfg.Fills, created: start}, cash: cfg.Cash, held: held,
	}
	s.exchange.reset(cfg.Cash, held)
	s.routes()
	return s, nil
}

func (s *Server) routes() {
	s.route("GET /v2/account", s.getAccount)
	s.route("GET /v2/positions", s.getPositions)
	s.route("GET /v2/positions/{symbol}", s.getPosition)
	s.route("DELETE /v2/positions/{symbol}", s.closePosition)
	s.route("GET /v2/orders", s.getOrders)
	s.route("POST /v2/orders", s.postOrder)
	s.route("GET /v2/orders/{id}", s.getOrder)
	s.route("PATCH /v2/orders/{id}", s.patchOrder)
	s.route("DELETE /v2/orders/{id}", s.deleteOrder)
	s.route("GET /v2/orders:by_client_order_id", s.getOrderByClientID)
	s.route("GET /v2/clock", s.getClock)
	s.route("GET /v2/calendar", s.getCalendar)
	s.route("GET /v2/assets/{symbol}", s.getAsset)
	s.route("GET /v2/stocks/bars", s.getBars)
	s.route("GET /v2/stocks/quotes/latest", s.getQuotes)
	s.mux.HandleFunc("/_control/clock", s.controlClock)
	s.mux.HandleFunc("/_control/faults", s.controlFaults)
	s.mux.HandleFunc("/_control/symbols", s.controlSymbols)
	s.mux.HandleFunc("/_control/reset", s.controlReset)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, refuse(http.StatusNotFound, codeNotFound, "the paper simulator does not serve %s %s", r.Method, r.URL.Path))
	})
}

// Summary says in one line what is traded, when it is and what the account has.
func (s *Server) Summary() string {
	now, p := s.clock.now(), s.exchange.portfolio(s.clock.now())
	return fmt.Sprintf("%d symbols with prices of %d sessions, %s to %s; it is %s; the account has %s dollars in cash and %d positions; fills are %s",
		len(s.market.symbols), len(s.market.days), s.market.days[0], s.market.last, now.Format("Monday 2006-01-02 15:04 MST"),
		p.cash, len(p.positions), s.exchange.fills)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// serves says whether route is one of the API's.
func (s *Server) serves(route string) bool { return s.served[route] }

// handler answers a request with a document, or with nil for an empty answer.
type handler func(r *http.Request) (any, error)

// route serves pattern behind what all routes share: keys, rate limit and faults, in this order as Alpaca does.
func (s *Server) route(pattern string, h handler) {
	s.served[pattern] = true
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("APCA-API-KEY-ID")
		if key == "" || r.Header.Get("APCA-API-SECRET-KEY") == "" {
			writeError(w, refuse(http.StatusUnauthorized, codeUnauthorised, "request is not authorized"))
			return
		}
		if !s.limiter.allow(w.Header(), key, time.Now()) {
			writeError(w, refuse(http.StatusTooManyRequests, codeRateLimit, "rate limit exceeded"))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		f := s.faults.take(pattern)
		if f.Kind == kindStatus {
			writeError(w, refuse(f.Status, f.Status*100000, "injected fault"))
			return
		}
		if f.Kind == kindLost {
			panic(http.ErrAbortHandler) // closes the connection
		}
		document, err := h(f.attach(r))
		if f.Kind == kindDrop {
			panic(http.ErrAbortHandler)
		}
		if err != nil {
			writeError(w, err)
			return
		}
		writeDocument(w, document)
	})
}

// encoded is a document that is JSON already.
type encoded []byte

func writeDocument(w http.ResponseWriter, document any) {
	if document == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	raw, ok := document.(encoded)
	if !ok {
		var err error
		if raw, err = json.Marshal(document); err != nil {
			writeError(w, err)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(raw) // a client that is gone needs no answer
}

func writeError(w http.ResponseWriter, err error) {
	var r *refusal
	if !errors.As(err, &r) {
		r = refuse(http.StatusInternalServerError, 50010000, "internal server error: %v", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(r.status)
	_ = json.NewEncoder(w).Encode(map[string]any{"code": r.code, "message": r.message}) // as above
}
