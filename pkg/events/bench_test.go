package events_test

import (
	"testing"

	"github.com/the-alchemiser/alchemiser/pkg/events"
)

func bigPlan() events.Event {
	p := plan()
	p.Trades = buys(20)
	return follow(p)
}

func BenchmarkEncodePlanOf20Trades(b *testing.B) {
	e := bigPlan()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := events.Encode(e, "alchemiser"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodePlanOf20Trades(b *testing.B) {
	e := bigPlan()
	w, err := events.Encode(e, "alchemiser")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(w.Detail)))
	for b.Loop() {
		if _, err := events.Decode(w.DetailType, w.Detail); err != nil {
			b.Fatal(err)
		}
	}
}
