package ebbus_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/pkg/bus/ebbus"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// nothing accepts everything without a network: what is left is our own part of a publish.
type nothing struct{}

func (nothing) PutEvents(_ context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	return &eventbridge.PutEventsOutput{Entries: make([]types.PutEventsResultEntry, len(in.Entries))}, nil
}

func BenchmarkPublish(b *testing.B) {
	p, err := ebbus.New(ebbus.Config{
		Client: nothing{}, BusName: "bus", SourcePrefix: "alchemiser",
		TraceHeader: func(context.Context) string {
			return "Root=1-5f84c7a1-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=1"
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	for name, e := range map[string]events.Event{"completed": completed("e-1"), "plan-of-20-trades": planOf(20)} {
		b.Run(name, func(b *testing.B) {
			ctx := b.Context()
			each := make([]time.Duration, 0, 1<<20) // grown on the way it would measure its own garbage
			b.ReportAllocs()
			for b.Loop() {
				start := time.Now()
				if err := p.Publish(ctx, e); err != nil {
					b.Fatal(err)
				}
				each = append(each, time.Since(start))
			}
			slices.Sort(each)
			b.ReportMetric(float64(each[len(each)*99/100].Nanoseconds()), "p99-ns/op")
		})
	}
}

func planOf(trades int) events.Event {
	one := decimal.NewFromInt(1)
	p := events.RebalancePlanned{
		Run:    events.Run{PortfolioID: "core", AccountID: "PA3TX", TradingDate: "2026-03-02", SessionClose: published},
		PlanID: "plan-1", PlannedAt: published, Equity: decimal.NewFromInt(10_000), Targets: map[string]decimal.Decimal{"SPY": one},
	}
	for i := range trades {
		p.Trades = append(p.Trades, events.Trade{
			Symbol: fmt.Sprintf("S%d", i), Side: market.Buy, Quantity: one, ReferencePrice: one, Notional: one, TargetWeight: one,
			Reason: "below its target by more than the tolerance band",
		})
	}
	return eventOf("e-1", p)
}
