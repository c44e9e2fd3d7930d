package paper

import (
	"maps"
	"net/http"

	"github.com/shopspring/decimal"
)

// reset gives the account its first cash and positions back, and forgets every order and what was told of symbols, so that
// one simulator serves many independent runs.
func (x *exchange) reset(cash decimal.Decimal, held map[string]holding) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.cash, x.held = cash, maps.Clone(held)
	x.orders, x.byID, x.byClient = nil, map[string]*order{}, map[string]*order{}
	x.listings = map[string]listing{}
}

func (s *Server) controlReset(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		writeError(w, refuse(http.StatusMethodNotAllowed, codeMalformed, "want POST"))
		return
	}
	s.exchange.reset(s.cash, s.held)
	w.WriteHeader(http.StatusNoContent)
}
