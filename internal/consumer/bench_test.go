package consumer_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/consumer/consumertest"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// nothing is all ports but the claims, doing nothing: what is left is the consumer's own part.
type nothing struct{ world }

func (*nothing) Publish(context.Context, ...events.Event) error { return nil }

// BenchmarkHandle is the consumer's own overhead for one event that is followed by one: decode, claim, handle, outbox,
// publish, done, with claims in memory. A duplicate is the same event once more. The floor is decoding it and encoding
// what follows, which nobody can do without.
func BenchmarkHandle(b *testing.B) {
	wire, err := events.Encode(started(), "alchemiser")
	if err != nil {
		b.Fatal(err)
	}
	// deliveries of events with ids of their own, made before the clock runs.
	deliveries := func(n int) []bus.Delivery {
		all := make([]bus.Delivery, n)
		for i := range all {
			e := started()
			e.ID = "event-" + strconv.Itoa(i)
			wire, err := events.Encode(e, "alchemiser")
			if err != nil {
				b.Fatal(err)
			}
			all[i] = bus.Delivery{RequestID: "r-" + strconv.Itoa(i), DetailType: wire.DetailType, Source: wire.Source, Detail: wire.Detail}
		}
		return all
	}
	build := func(claims consumer.Claims) *consumer.Consumer {
		n := &nothing{}
		cfg := n.config(skipped)
		cfg.Handler, cfg.Claims, cfg.Publisher = skipped, claims, n
		c, err := consumer.New(cfg)
		if err != nil {
			b.Fatal(err)
		}
		return c
	}
	b.Run("event", func(b *testing.B) {
		const round = 4096 // claims of so many are kept at once
		all := deliveries(round)
		b.ReportAllocs()
		var c *consumer.Consumer
		for i := 0; b.Loop(); i++ {
			if i%round == 0 {
				c = build(&consumertest.Memory{})
			}
			if err := c.Handle(b.Context(), all[i%round]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("duplicate", func(b *testing.B) {
		c, d := build(&consumertest.Memory{}), deliveries(1)[0]
		if err := c.Handle(b.Context(), d); err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if err := c.Handle(b.Context(), d); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("floor", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e, err := events.Decode(wire.DetailType, wire.Detail)
			if err != nil {
				b.Fatal(err)
			}
			follow := events.Follow(e, 0, completed("market closed"), events.Origin{Module: "strategy"}, e.Timestamp)
			if _, err := events.Encode(follow, "alchemiser"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
