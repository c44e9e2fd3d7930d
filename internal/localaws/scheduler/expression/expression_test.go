package expression_test

import (
	"fmt"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/the-alchemiser/alchemiser/internal/localaws/scheduler/expression"
)

func Example() {
	e, _ := expression.Parse("cron(45 15 ? * MON-FRI *)")
	newYork, _ := time.LoadLocation("America/New_York")
	next, _ := e.Next(time.Date(2026, 3, 6, 22, 0, 0, 0, time.UTC), time.Time{}, newYork) // a Friday evening
	fmt.Println(next.UTC().Format(time.RFC3339))
	// Output: 2026-03-09T19:45:00Z
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "cron()", "cron(INVALID)", "cron(0 1 * * * *)", "cron(0 1 ? * ? *)", "cron(7 20 * * NOT *)", "cron(0 dummy ? * MON-FRI *)",
		"cron(71 8 1 * ? *)", "rate(10 seconds)", "rate(10 years)", "rate()", "rate(10)", "rate(10 minutess)", "rate(foo minutes)",
		"rate(0 minutes)", "rate(-10 minutes)", "rate( 10 minutes )", " rate(10 minutes)", "at(2021-12-31T23:59:59Z)", "at(2021-12-31)",
		"cron(0/0 1 ? * MON *)", "cron(0 1 ? * SAT#6 *)", "cron(0 1 32W * ? *)", "cron(0 1 ? * MON 1969)", "rate(999999999 days)",
		"at(2021-12-31T23:59:59.5)", "cron(0 24 ? * MON *)", "cron(0 1 ? 13 MON *)",
	} {
		if _, err := expression.Parse(s); err == nil {
			t.Errorf("Parse(%q) took it", s)
		}
	}
}

func TestRulesInsistOnAgreementOfNumber(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"rate(1 minute)": true, "rate(1 minutes)": false, "rate(10 minute)": false, "rate(2 days)": true,
		"cron(0 2 ? * SAT#3 *)": true, "at(2022-12-31T23:59:59)": false,
	} {
		e, err := expression.Parse(s)
		if err != nil {
			t.Fatalf("Parse(%q): %v", s, err)
		}
		if got := e.OfRule(); got != want {
			t.Errorf("OfRule of %s = %v, want %v", s, got, want)
		}
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		expression, zone, after string
		want                    []string
	}{
		"every quarter":                  {"cron(*/15 * * * ? *)", "UTC", "2026-01-01T00:01:00Z", []string{"2026-01-01T00:15:00Z", "2026-01-01T00:30:00Z"}},
		"strictly after":                 {"cron(0 18 ? * MON-FRI *)", "UTC", "2026-01-02T18:00:00Z", []string{"2026-01-05T18:00:00Z"}},
		"third saturday":                 {"cron(0 2 ? * SAT#3 *)", "UTC", "2026-01-01T00:00:00Z", []string{"2026-01-17T02:00:00Z", "2026-02-21T02:00:00Z"}},
		"last friday":                    {"cron(15 10 ? * 6L 2026-2027)", "UTC", "2026-01-01T00:00:00Z", []string{"2026-01-30T10:15:00Z", "2026-02-27T10:15:00Z"}},
		"last day":                       {"cron(0 0 L * ? *)", "UTC", "2026-01-31T12:00:00Z", []string{"2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z"}},
		"last weekday":                   {"cron(0 0 LW * ? *)", "UTC", "2026-01-01T00:00:00Z", []string{"2026-01-30T00:00:00Z", "2026-02-27T00:00:00Z"}},
		"weekday nearest to the first":   {"cron(0 0 1W * ? *)", "UTC", "2026-07-31T12:00:00Z", []string{"2026-08-03T00:00:00Z"}},
		"over the end of the week":       {"cron(0 0 ? * SAT-SUN *)", "UTC", "2026-01-02T00:00:00Z", []string{"2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z", "2026-01-10T00:00:00Z"}},
		"numbers count from sunday":      {"cron(0 0 ? * 1 *)", "UTC", "2026-01-02T00:00:00Z", []string{"2026-01-04T00:00:00Z"}},
		"year has passed":                {"cron(0/5 5 ? JAN 1-5 2022)", "UTC", "2026-01-01T00:00:00Z", []string{""}},
		"29 february":                    {"cron(0 0 29 2 ? *)", "UTC", "2026-01-01T00:00:00Z", []string{"2028-02-29T00:00:00Z"}},
		"clocks forward: left out":       {"cron(30 2 * * ? *)", "America/New_York", "2026-03-07T12:00:00Z", []string{"2026-03-09T06:30:00Z"}},
		"clocks back: once":              {"cron(30 1 * * ? *)", "America/New_York", "2026-10-31T12:00:00Z", []string{"2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"}},
		"same wall time over the change": {"cron(45 15 ? * * *)", "America/New_York", "2026-03-07T12:00:00Z", []string{"2026-03-07T20:45:00Z", "2026-03-08T19:45:00Z"}},
		"once":                           {"at(2026-07-01T09:30:00)", "Europe/Berlin", "2026-01-01T00:00:00Z", []string{"2026-07-01T07:30:00Z", ""}},
		"rate from its start":            {"rate(5 minutes)", "UTC", "2025-12-31T23:00:00Z", []string{"2026-01-01T00:00:30Z", "2026-01-01T00:05:30Z"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := expression.Parse(tt.expression)
			if err != nil {
				t.Fatal(err)
			}
			zone, err := time.LoadLocation(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			after, err := time.Parse(time.RFC3339, tt.after)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				next, ok := e.Next(after, time.Date(2026, 1, 1, 0, 0, 30, 0, time.UTC), zone)
				got := ""
				if ok {
					got = next.UTC().Format(time.RFC3339)
				}
				if got != want {
					t.Fatalf("next after %s = %q, want %q", after, got, want)
				}
				after = next
			}
		})
	}
}

// The next occurrence is after the moment asked about and, for cron, at a full minute.
func FuzzExpression(f *testing.F) {
	f.Add("cron(0/15 8-18 ? * MON-FRI *)", int64(1_700_000_000))
	f.Add("cron(0 0 31W * ? 2030-2040)", int64(0))
	f.Add("rate(5 minutes)", int64(1_800_000_000))
	f.Add("at(2026-07-01T09:30:00)", int64(1_700_000_000))
	f.Fuzz(func(t *testing.T, s string, unix int64) {
		e, err := expression.Parse(s)
		if err != nil || unix < 0 || unix > 6_000_000_000 {
			return
		}
		after := time.Unix(unix, 0)
		next, ok := e.Next(after, time.Unix(0, 0), time.UTC)
		if ok && !next.After(after) {
			t.Fatalf("%s: next after %s is %s", s, after, next)
		}
	})
}
