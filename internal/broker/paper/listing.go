package paper

import "net/http"

// listing is how a symbol differs from the others, as it was told. The zero listing trades, in fractions.
type listing struct {
	// halted symbols take orders and fill none, as trading stands still everywhere.
	halted bool
	// untradable symbols take no orders.
	untradable bool
	// whole symbols trade in whole shares.
	whole bool
}

// listingDocument tells or shows a listing. In a request an absent field leaves things as they are.
type listingDocument struct {
	Symbol       string `json:"symbol"`
	Halted       *bool  `json:"halted"`
	Tradable     *bool  `json:"tradable"`
	Fractionable *bool  `json:"fractionable"`
}

// permit refuses what the listing of a ticket's symbol does not allow. A position that has become a fraction can be
// closed whole.
func (x *exchange) permit(t ticket) error {
	l := x.listings[t.symbol]
	switch {
	case l.untradable:
		return refuse(http.StatusUnprocessableEntity, codeUnprocessed, "asset %q is not tradable", t.symbol)
	case l.whole && !t.quantity.IsInteger() && !t.closing:
		return refuse(http.StatusForbidden, codeForbidden, "asset %q is not fractionable", t.symbol)
	}
	return nil
}

func (x *exchange) listing(symbol string) listing {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.listings[symbol]
}

// relist changes a listing and shows it as it is then.
func (x *exchange) relist(d listingDocument) listingDocument {
	x.mu.Lock()
	defer x.mu.Unlock()
	l := x.listings[d.Symbol]
	if d.Halted != nil {
		l.halted = *d.Halted
	}
	if d.Tradable != nil {
		l.untradable = !*d.Tradable
	}
	if d.Fractionable != nil {
		l.whole = !*d.Fractionable
	}
	x.listings[d.Symbol] = l
	tradable, fractionable := !l.untradable, !l.whole
	return listingDocument{Symbol: d.Symbol, Halted: &l.halted, Tradable: &tradable, Fractionable: &fractionable}
}

// controlSymbols changes what may be traded, and how.
func (s *Server) controlSymbols(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		writeError(w, refuse(http.StatusMethodNotAllowed, codeMalformed, "want POST"))
		return
	}
	var d listingDocument
	if err := decode(r, &d); err != nil {
		writeError(w, err)
		return
	}
	if _, ok := s.market.bars[d.Symbol]; !ok {
		writeError(w, refuse(http.StatusUnprocessableEntity, codeMalformed, "symbol is %q, want one that has prices", d.Symbol))
		return
	}
	writeDocument(w, s.exchange.relist(d))
}
