package paper

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

const (
	defaultPage = 1000
	maxPage     = 10_000
)

var symbolForm = regexp.MustCompile(`^[A-Z][A-Z0-9]*([./][A-Z0-9]+)?$`)

// bad is the data API's error: it has a message and, unlike the trading API, no code of its own.
func bad(format string, args ...any) error {
	return refuse(http.StatusBadRequest, 0, format, args...)
}

func symbols(q url.Values) ([]string, error) {
	list := strings.Split(q.Get("symbols"), ",")
	for _, symbol := range list {
		if !symbolForm.MatchString(symbol) {
			return nil, bad("invalid symbol: %s", symbol)
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// pages keeps every symbol's bars as they are sent: encoding them is most of the work of a request. It is safe for
// concurrent use.
type pages struct {
	mu   sync.Mutex
	bars map[string][][]byte
}

func (p *pages) of(m *exchangeMarket, symbol string) [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bars == nil {
		p.bars = map[string][][]byte{}
	}
	sent, ok := p.bars[symbol]
	if !ok {
		for _, b := range m.bars[symbol] {
			sent = append(sent, encodeBar(m, b))
		}
		p.bars[symbol] = sent
	}
	return sent
}

// encodeBar writes a bar with exact prices; its time is midnight at the exchange.
func encodeBar(m *exchangeMarket, b market.Bar) []byte {
	out := []byte(`{"t":"` + m.at(b.Date, "00:00").UTC().Format(time.RFC3339) + `"`)
	for _, price := range []struct{ name, value string }{
		{"o", b.Open.String()},
		{"h", b.High.String()},
		{"l", b.Low.String()},
		{"c", b.Close.String()},
		{"vw", b.Close.String()},
		{"v", b.Volume.Truncate(0).String()},
		{"n", "0"},
	} {
		out = append(out, `,"`+price.name+`":`+price.value...)
	}
	return append(out, '}')
}

// barsRequest is a checked query for bars.
type barsRequest struct {
	symbols    []string
	start, end time.Time
	limit      int
	// afterSymbol and afterIndex are where the page before ended.
	afterSymbol string
	afterIndex  int
}

func (s *Server) parseBars(q url.Values, now time.Time) (barsRequest, error) {
	r := barsRequest{limit: defaultPage, end: now, start: s.market.at(market.DateOf(now), "00:00")}
	var err error
	if r.symbols, err = symbols(q); err != nil {
		return r, err
	}
	switch {
	case !slices.Contains([]string{"1Day", "1D", "D", "Day"}, q.Get("timeframe")):
		return r, bad("invalid timeframe: the paper simulator serves 1Day, not %q", q.Get("timeframe"))
	case q.Get("adjustment") != "all":
		return r, bad("invalid adjustment: the paper simulator's prices are adjusted; want all, not %q", q.Get("adjustment"))
	case q.Get("sort") != "" && q.Get("sort") != "asc":
		return r, bad("invalid sort: the paper simulator serves asc, not %q", q.Get("sort"))
	}
	for name, to := range map[string]*time.Time{"start": &r.start, "end": &r.end} {
		if raw := q.Get(name); raw != "" {
			if *to, err = s.moment(raw); err != nil {
				return r, bad("invalid %s: %q", name, raw)
			}
		}
	}
	if raw := q.Get("limit"); raw != "" {
		if r.limit, err = strconv.Atoi(raw); err != nil || r.limit < 1 || r.limit > maxPage {
			return r, bad("invalid limit: %q, want 1 to %d", raw, maxPage)
		}
	}
	if raw := q.Get("page_token"); raw != "" {
		token, err := base64.StdEncoding.DecodeString(raw)
		symbol, index, ok := strings.Cut(string(token), "|")
		n, atoi := strconv.Atoi(index)
		if err != nil || !ok || atoi != nil {
			return r, bad("invalid page_token")
		}
		r.afterSymbol, r.afterIndex = symbol, n
	}
	return r, nil
}

// moment reads RFC 3339 or a date.
func (s *Server) moment(raw string) (time.Time, error) {
	if date, err := market.ParseDate(raw); err == nil {
		return s.market.at(date, "00:00"), nil
	}
	return time.Parse(time.RFC3339, raw)
}

// getBars serves completed bars, symbol by symbol, in pages. A symbol without a bar is absent, as at Alpaca.
func (s *Server) getBars(r *http.Request) (any, error) {
	now := s.clock.now()
	request, err := s.parseBars(r.URL.Query(), now)
	if err != nil {
		return nil, err
	}
	answer := encoded(`{"bars":{`)
	next := "null"
	room := request.limit
	for _, symbol := range request.symbols {
		if symbol < request.afterSymbol {
			continue
		}
		bars := s.market.completed(symbol, now)
		from, _ := slices.BinarySearchFunc(bars, request.start, func(b market.Bar, t time.Time) int { return s.market.at(b.Date, "00:00").Compare(t) })
		to, last := slices.BinarySearchFunc(bars, request.end, func(b market.Bar, t time.Time) int { return s.market.at(b.Date, "00:00").Compare(t) })
		if last {
			to++
		}
		if symbol == request.afterSymbol {
			from = max(from, request.afterIndex)
		}
		if from >= to {
			continue
		}
		if room == 0 {
			next = token(symbol, from)
			break
		}
		n := min(to-from, room)
		if room < request.limit {
			answer = append(answer, ',')
		}
		answer = append(answer, `"`+symbol+`":[`...)
		answer = append(answer, bytes.Join(s.pages.of(s.market, symbol)[from:from+n], []byte{','})...)
		answer = append(answer, ']')
		room -= n
		if from+n < to {
			next = token(symbol, from+n)
			break
		}
	}
	return append(answer, `},"next_page_token":`+next+`}`...), nil
}

// token says where the next page begins, as a JSON string.
func token(symbol string, index int) string {
	return `"` + base64.StdEncoding.EncodeToString([]byte(symbol+"|"+strconv.Itoa(index))) + `"`
}

// getQuotes serves the latest quotes; a symbol without one is absent, as at Alpaca.
func (s *Server) getQuotes(r *http.Request) (any, error) {
	list, err := symbols(r.URL.Query())
	if err != nil {
		return nil, err
	}
	type quote struct {
		At  time.Time   `json:"t"`
		Bid json.Number `json:"bp"`
		Ask json.Number `json:"ap"`
		// Sizes are in round lots.
		BidSize int `json:"bs"`
		AskSize int `json:"as"`
	}
	quotes := map[string]quote{}
	now := s.clock.now()
	for _, symbol := range list {
		if q, ok := s.market.quote(symbol, now); ok {
			quotes[symbol] = quote{At: q.At, Bid: json.Number(q.Bid.String()), Ask: json.Number(q.Ask.String()), BidSize: 100, AskSize: 100}
		}
	}
	return map[string]any{"quotes": quotes}, nil
}
