// Package nyse is the calendar of the New York Stock Exchange: which days have a session, and when it closes. The paper
// simulator trades by it and files of prices are checked against it; live runs ask the broker.
//
// Holidays and hours: https://www.nyse.com/markets/hours-calendars. Rules hold from Since on, one-off closures are listed
// up to 2025; TestSessionsAreThoseOfRealPrices compares 2008 to 2024 with real prices.
package nyse

import (
	"time"
	_ "time/tzdata" // the machine need not know the exchange's time zone

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/aa"
	"github.com/rickar/cal/v2/us"

	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// Calendar answers for the exchange. It is never changed after New and safe for concurrent use.
type Calendar struct {
	zone   *time.Location
	closed map[market.Date]bool // weekdays without a session
}

// Since is where the calendar begins to be certain; before, the exchange had other holidays and closed for other reasons.
const Since market.Date = "1998-01-01"

// The years whose holidays are computed.
const firstYear, lastYear = 1990, 2099

// New returns the calendar.
func New() (*Calendar, error) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		return nil, err
	}
	c := &Calendar{zone: zone, closed: map[market.Date]bool{}}
	for _, date := range closures() {
		c.closed[date] = true
	}
	for year := firstYear; year <= lastYear; year++ {
		for _, h := range holidays() {
			if _, observed := h.Calc(year); !observed.IsZero() {
				c.closed[market.DateOf(observed)] = true
			}
		}
	}
	return c, nil
}

// Zone is the exchange's time zone.
func (c *Calendar) Zone() *time.Location { return c.zone }

// Session returns the session of date; ok is false on a day without one, and for a date that is none.
func (c *Calendar) Session(date market.Date) (s market.Session, ok bool) {
	day, err := time.ParseInLocation(time.DateOnly, string(date), c.zone)
	if err != nil || !c.trades(day) {
		return market.Session{}, false
	}
	closes := 16
	if c.closesEarly(day) {
		closes = 13
	}
	at := func(hour, minute int) time.Time {
		return time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, c.zone)
	}
	return market.Session{Date: date, Open: at(9, 30), Close: at(closes, 0)}, true
}

// Next returns the first date after date that has a session. There is one within a fortnight.
func (c *Calendar) Next(date market.Date) market.Date {
	day, err := time.ParseInLocation(time.DateOnly, string(date), c.zone)
	if err != nil {
		return ""
	}
	for {
		day = day.AddDate(0, 0, 1)
		if c.trades(day) {
			return market.DateOf(day)
		}
	}
}

func (c *Calendar) trades(day time.Time) bool {
	return !cal.IsWeekend(day) && !c.closed[market.DateOf(day)]
}

// closesEarly says whether a day with a session ends at 13:00: the day after Thanksgiving, the eve of Independence Day and
// Christmas Eve.
func (c *Calendar) closesEarly(day time.Time) bool {
	thanksgiving, _ := us.ThanksgivingDay.Calc(day.Year())
	eve := day.Month() == time.July && day.Day() == 3 || day.Month() == time.December && day.Day() == 24
	return eve || market.DateOf(thanksgiving.AddDate(0, 0, 1)) == market.DateOf(day)
}

// holidays are the exchange's own: those on a Sunday are kept on Monday, those on a Saturday on Friday, but for New
// Year's Day, as that Friday ends the accounting year (NYSE Rule 7.2).
func holidays() []*cal.Holiday {
	weekend := []cal.AltDay{{Day: time.Saturday, Offset: -1}, {Day: time.Sunday, Offset: 1}}
	fixed := func(month time.Month, day, since int) *cal.Holiday {
		return &cal.Holiday{Month: month, Day: day, StartYear: since, Observed: weekend, Func: cal.CalcDayOfMonth}
	}
	newYear := fixed(time.January, 1, 0)
	newYear.Observed = weekend[1:]
	return []*cal.Holiday{
		newYear, us.MlkDay, us.PresidentsDay, aa.GoodFriday, us.MemorialDay, fixed(time.June, 19, 2022), fixed(time.July, 4, 0),
		us.LaborDay, us.ThanksgivingDay, fixed(time.December, 25, 0),
	}
}

// closures are days without a session that no rule gives.
func closures() []market.Date {
	return []market.Date{
		"2001-09-11", "2001-09-12", "2001-09-13", "2001-09-14", // attacks on New York
		"2004-06-11",               // mourning for President Reagan
		"2007-01-02",               // President Ford
		"2012-10-29", "2012-10-30", // Hurricane Sandy
		"2018-12-05", // President Bush
		"2025-01-09", // President Carter
	}
}
