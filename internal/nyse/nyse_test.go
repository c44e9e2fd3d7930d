package nyse_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/nyse"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

func calendar(tb testing.TB) *nyse.Calendar {
	tb.Helper()
	c, err := nyse.New()
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// The days on which SPY has a price are the sessions of the exchange.
func TestSessionsAreThoseOfRealPrices(t *testing.T) {
	t.Parallel()
	shared := os.Getenv("SHARED_DIR")
	if shared == "" {
		shared = "../../../shared"
	}
	text, err := os.ReadFile(filepath.Join(shared, "data", "bars", "SPY.csv"))
	if err != nil {
		t.Skipf("real prices are needed to compare the calendar with: %v (set SHARED_DIR)", err)
	}
	var want []market.Date
	for _, line := range strings.Fields(string(text))[1:] {
		date, _, _ := strings.Cut(line, ",")
		want = append(want, market.Date(date))
	}
	c := calendar(t)
	got := []market.Date{want[0]}
	for got[len(got)-1] < want[len(want)-1] {
		got = append(got, c.Next(got[len(got)-1]))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("sessions (-prices +calendar):\n%s", d)
	}
}

func TestDaysThatDifferFromTheRule(t *testing.T) {
	t.Parallel()
	c := calendar(t)
	for date, why := range map[market.Date]string{
		"2025-01-09": "President Carter", "2027-03-26": "Good Friday", "2027-06-18": "Juneteenth on a Saturday", "2027-07-05": "the fourth on a Sunday",
		"2027-12-24": "Christmas on a Saturday", "2026-06-19": "Juneteenth", "2026-11-26": "Thanksgiving", "2023-01-02": "New Year on a Sunday",
		"2026-11-22": "a Sunday", "soon": "no date",
	} {
		if s, ok := c.Session(date); ok {
			t.Errorf("%s has a session until %s: %s", date, s.Close, why)
		}
	}
	for date, why := range map[market.Date]string{"2021-12-31": "New Year on a Saturday is not kept on Friday", "2021-06-18": "Juneteenth begins in 2022"} {
		if _, ok := c.Session(date); !ok {
			t.Errorf("%s has no session: %s", date, why)
		}
	}
}

// https://www.nyse.com/markets/hours-calendars and the years before.
func TestEarlyCloses(t *testing.T) {
	t.Parallel()
	want := []market.Date{
		"2008-07-03", "2008-11-28", "2008-12-24", "2009-11-27", "2009-12-24", "2010-11-26", "2011-11-25", "2012-07-03", "2012-11-23", "2012-12-24", "2013-07-03", "2013-11-29", "2013-12-24", "2014-07-03", "2014-11-28", "2014-12-24",
		"2015-11-27", "2015-12-24", "2016-11-25", "2017-07-03", "2017-11-24", "2018-07-03", "2018-11-23", "2018-12-24",
		"2019-07-03", "2019-11-29", "2019-12-24", "2020-11-27", "2020-12-24", "2021-11-26", "2022-11-25", "2023-07-03", "2023-11-24",
		"2024-07-03", "2024-11-29", "2024-12-24", "2025-07-03", "2025-11-28", "2025-12-24", "2026-11-27", "2026-12-24", "2027-11-26",
	}
	c := calendar(t)
	var got []market.Date
	for day := c.Next("2007-12-31"); day < "2028-01-01"; day = c.Next(day) {
		if s, _ := c.Session(day); s.Close.Sub(s.Open) < 6*time.Hour {
			got = append(got, day)
		}
	}
	if d := cmp.Diff(want, got); d != "" || !slices.IsSorted(got) {
		t.Errorf("early closes (-want +got):\n%s", d)
	}
}

func TestHoursFollowDaylightSaving(t *testing.T) {
	t.Parallel()
	for date, utc := range map[market.Date]string{
		"2026-03-06": "21:00", "2026-03-09": "20:00", "2026-10-30": "20:00", "2026-11-02": "21:00", "2026-11-27": "18:00", "2026-07-02": "20:00",
	} {
		s, ok := calendar(t).Session(date)
		if got := s.Close.UTC().Format("15:04"); !ok || got != utc {
			t.Errorf("%s closes at %s UTC, want %s", date, got, utc)
		}
	}
}
