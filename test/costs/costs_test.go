package main

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
)

// The page is what the prices and the quantities beside this test make of it.
func TestThePageIsUpToDate(t *testing.T) {
	want, err := render()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/costs.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/costs.md is stale: run `make costs` (-want +got):\n%s", diff)
	}
}

func TestAMonthIsItsParts(t *testing.T) {
	one := decimal.NewFromInt(1)
	u := usage{
		Workflow: map[string]decimal.Decimal{"event": decimal.NewFromInt(5), "log": one},
		Watchdog: map[string]decimal.Decimal{"invocation": one},
		Stage:    map[string]decimal.Decimal{"alarm": decimal.NewFromInt(32)},
	}
	got := u.month(100)
	for item, want := range map[string]int64{
		"event": 5 * 100 * sessions, "invocation": watchdogs, "alarm": 32, "schedule": watchdogs + starts, "log_storage": logMonths * 100 * sessions,
	} {
		if !got[item].Equal(decimal.NewFromInt(want)) {
			t.Errorf("%s: %s, want %d", item, got[item], want)
		}
	}
}

func TestWhatHasNoPriceIsRefused(t *testing.T) {
	if _, err := bill([]price{{Item: "event", Per: 1}}, usage{}); err == nil {
		t.Error("schedules have no price here, and nobody says so")
	}
	lines, err := bill([]price{{Item: "schedule", Per: watchdogs + starts, Price: decimal.NewFromInt(7)}, {Item: "gb_second", Per: 1}, {Item: "log_storage", Per: 1}, {Item: "archive_storage", Per: 1}}, usage{})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if l.Item == "schedule" && !l.Costs[0].Equal(decimal.NewFromInt(7)) {
			t.Errorf("a month of schedules costs %s, want 7", l.Costs[0])
		}
	}
}

func TestNumbersAreReadable(t *testing.T) {
	for in, want := range map[string]string{"1234567.4": "1,234,567", "0.00001889": "0.000019", "5": "5", "12.345": "12.35"} {
		if got := number(decimal.RequireFromString(in)); got != want {
			t.Errorf("number(%s) = %s, want %s", in, got, want)
		}
	}
}
