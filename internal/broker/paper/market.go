package paper

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/nyse"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// Prices are the daily bars that the market consists of. The slices are not changed.
type Prices interface {
	// Symbols returns the symbols in alphabetical order.
	Symbols() []string
	// LastDate returns the latest date that any symbol has a bar of.
	LastDate() market.Date
	// Bars returns the bars of symbol, oldest first, at least one.
	Bars(symbol string) ([]market.Bar, error)
}

// calendarSymbol trades on every day that the exchange is open.
const calendarSymbol = "SPY"

// exchangeMarket is what there is to trade and when: bars, quotes and sessions as functions of the time. It is never
// changed after construction.
type exchangeMarket struct {
	calendar *nyse.Calendar
	zone     *time.Location
	symbols  []string
	bars     map[string][]market.Bar
	days     []market.Date // trading days up to last, in order
	last     market.Date
	spread   decimal.Decimal // of each side, as a fraction
}

func newMarket(prices Prices, spreadBps decimal.Decimal) (*exchangeMarket, error) {
	calendar, err := nyse.New()
	if err != nil {
		return nil, err
	}
	m := &exchangeMarket{
		calendar: calendar, zone: calendar.Zone(), symbols: prices.Symbols(), bars: map[string][]market.Bar{}, last: prices.LastDate(), spread: spreadBps.Shift(-4),
	}
	for _, symbol := range m.symbols {
		if m.bars[symbol], err = prices.Bars(symbol); err != nil {
			return nil, err
		}
	}
	if len(m.symbols) == 0 {
		return nil, fmt.Errorf("no prices")
	}
	everyDay := m.symbols
	if _, ok := m.bars[calendarSymbol]; ok {
		everyDay = []string{calendarSymbol}
	}
	for _, symbol := range everyDay {
		for _, b := range m.bars[symbol] {
			m.days = append(m.days, b.Date)
		}
	}
	slices.Sort(m.days)
	m.days = slices.Compact(m.days)
	return m, nil
}

// start is where the clock stands at first: a quarter of an hour before the close of the first full session after the
// last bar.
func (m *exchangeMarket) start() time.Time {
	for day := m.calendar.Next(m.last); ; day = m.calendar.Next(day) {
		if s, ok := m.calendar.Session(day); ok && s.Close.Equal(m.at(day, "16:00")) {
			return s.Close.Add(-15 * time.Minute)
		}
	}
}

// at returns a moment of date; both come from code or checked data.
func (m *exchangeMarket) at(date market.Date, clock string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", string(date)+" "+clock, m.zone)
	if err != nil {
		panic(fmt.Sprintf("paper: moment of %s %s: %v", date, clock, err))
	}
	return t
}

// session returns the session of date: that of the exchange's calendar but, as far as the data go, on the days that they
// have, which may be made up.
func (m *exchangeMarket) session(date market.Date) (market.Session, bool) {
	s, ok := m.calendar.Session(date)
	if date > m.last {
		return s, ok
	}
	if _, traded := slices.BinarySearch(m.days, date); !traded {
		return market.Session{}, false
	}
	if !ok {
		s = market.Session{Date: date, Open: m.at(date, "09:30"), Close: m.at(date, "16:00")}
	}
	return s, true
}

// open says whether the exchange trades at now.
func (m *exchangeMarket) open(now time.Time) bool {
	s, ok := m.session(market.DateOf(now))
	return ok && !now.Before(s.Open) && now.Before(s.Close)
}

// next returns the first opening and the first closing after now.
func (m *exchangeMarket) next(now time.Time) (opens, closes time.Time) {
	for day := now; opens.IsZero() || closes.IsZero(); day = day.AddDate(0, 0, 1) {
		s, ok := m.session(market.DateOf(day))
		if !ok {
			continue
		}
		if opens.IsZero() && s.Open.After(now) {
			opens = s.Open
		}
		if closes.IsZero() && s.Close.After(now) {
			closes = s.Close
		}
	}
	return opens, closes
}

// completed returns the bars of symbol that are complete at now.
func (m *exchangeMarket) completed(symbol string, now time.Time) []market.Bar {
	bars := m.bars[symbol]
	today := market.DateOf(now)
	session, trading := m.session(today)
	closed := trading && !now.Before(session.Close)
	n := sort.Search(len(bars), func(i int) bool { return bars[i].Date > today || (bars[i].Date == today && !closed) })
	return bars[:n]
}

// last returns the newest completed close; ok is false for a symbol that is unknown or not listed yet.
func (m *exchangeMarket) close(symbol string, now time.Time) (decimal.Decimal, bool) {
	bars := m.completed(symbol, now)
	if len(bars) == 0 {
		return decimal.Decimal{}, false
	}
	return bars[len(bars)-1].Close, true
}

// quote returns the last close with the spread around it, on the exchange's price grid: bid down, ask up.
func (m *exchangeMarket) quote(symbol string, now time.Time) (market.Quote, bool) {
	last, ok := m.close(symbol, now)
	if !ok {
		return market.Quote{}, false
	}
	half := last.Mul(m.spread)
	places := tick(last)
	bid, ask := last.Sub(half).RoundFloor(places), last.Add(half).RoundCeil(places)
	q, err := market.NewQuote(symbol, bid, ask, now)
	return q, err == nil
}

// tick is the number of decimals of a price: cents from one dollar, else hundredths of a cent (Regulation NMS, rule 612).
func tick(price decimal.Decimal) int32 {
	if price.LessThan(decimal.NewFromInt(1)) {
		return 4
	}
	return 2
}
