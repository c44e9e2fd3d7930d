package events_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

func TestEveryValidEventComesBackAsItWas(t *testing.T) {
	t.Parallel()
	for of, payload := range payloads() {
		t.Run(string(of), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				e := event(t, payload.Draw(t, "payload"))
				w, err := events.Encode(e, "alchemiser")
				if err != nil {
					t.Fatal(err)
				}
				got, err := events.Decode(w.DetailType, w.Detail)
				if err != nil {
					t.Fatalf("%v\n%s", err, w.Detail)
				}
				if diff := cmp.Diff(e, got, cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("came back otherwise (-sent +received):\n%s", diff)
				}
				again, err := events.Encode(got, "alchemiser")
				if err != nil || !bytes.Equal(again.Detail, w.Detail) {
					t.Fatalf("encoding is not the same again: %s then %s, %v", w.Detail, again.Detail, err)
				}
			})
		})
	}
}

// payloads has a generator of valid payloads for every type of the catalogue.
func payloads() map[events.Type]*rapid.Generator[events.Payload] {
	return map[events.Type]*rapid.Generator[events.Payload]{
		events.TypeWorkflowStarted: rapid.Custom(func(t *rapid.T) events.Payload {
			return events.WorkflowStarted{PortfolioID: text(t), TradingDate: optional(date).Draw(t, "trading date")}
		}),
		events.TypeSignalGenerated: rapid.Custom(func(t *rapid.T) events.Payload {
			r := drawRun(t)
			return events.SignalGenerated{Run: r, AsOf: r.TradingDate, Weights: drawWeights(t), Signals: drawSlice(t, 1, 3, drawSignal)}
		}),
		events.TypeRebalancePlanned: rapid.Custom(func(t *rapid.T) events.Payload {
			symbols := rapid.SliceOfNDistinct(symbol, 1, 8, rapid.ID).Draw(t, "symbols")
			sells := rapid.IntRange(0, len(symbols)).Draw(t, "sells")
			p := events.RebalancePlanned{
				Run: drawRun(t), PlanID: text(t), PlannedAt: moment.Draw(t, "planned at"), Equity: positive(t), Cash: amount.Draw(t, "cash"),
				BuyingPower: positive(t), CashReserve: positive(t), Targets: drawWeights(t), Positions: drawHoldings(t),
			}
			for i, s := range symbols {
				side := market.Buy
				if i < sells {
					side = market.Sell
				}
				p.Trades = append(p.Trades, events.Trade{
					Symbol: s, Side: side, Quantity: positive(t), Liquidate: side == market.Sell && rapid.Bool().Draw(t, "liquidate"),
					ReferencePrice: positive(t), Notional: positive(t), CurrentWeight: positive(t), TargetWeight: dec("0.5"), Reason: text(t),
				})
				p.Kept = append(p.Kept, events.KeptLine{Symbol: s, Reason: text(t)})
			}
			return p
		}),
		events.TypeTradeExecuted: rapid.Custom(func(t *rapid.T) events.Payload {
			return events.TradeExecuted{
				Run: drawRun(t), PlanID: text(t), Orders: drawSlice(t, 0, 5, drawOrder), Bought: positive(t), Sold: positive(t),
				EquityAfter: amount.Draw(t, "equity"), CashAfter: amount.Draw(t, "cash"), PositionsAfter: drawHoldings(t),
			}
		}),
		events.TypeWorkflowCompleted: rapid.Custom(func(t *rapid.T) events.Payload {
			return events.WorkflowCompleted{
				PortfolioID: text(t), Reason: text(t), AccountID: rapid.String().Draw(t, "account"), PlanID: rapid.String().Draw(t, "plan"),
				Outcome:     rapid.SampledFrom([]events.Outcome{events.OutcomeCompleted, events.OutcomeSkipped, events.OutcomeNothingToDo}).Draw(t, "outcome"),
				TradingDate: optional(date).Draw(t, "trading date"), Orders: rapid.IntMin(0).Draw(t, "orders"),
			}
		}),
		events.TypeWorkflowFailed: rapid.Custom(func(t *rapid.T) events.Payload {
			return events.WorkflowFailed{
				PortfolioID: text(t), Attempt: rapid.IntMin(1).Draw(t, "attempt"), Function: text(t), FailedEventID: text(t),
				FailedEventType: events.Type(text(t)), Reason: text(t), AccountID: rapid.String().Draw(t, "account"),
				Code:        rapid.SampledFrom([]fault.Code{fault.Invalid, fault.Transient, fault.Ambiguous, fault.Internal}).Draw(t, "code"),
				TradingDate: optional(date).Draw(t, "trading date"),
			}
		}),
	}
}

func TestEveryTypeHasAGenerator(t *testing.T) {
	t.Parallel()
	for _, p := range events.Catalogue() {
		if payloads()[p.EventType()] == nil {
			t.Errorf("%s has no generator", p.EventType())
		}
	}
}

func event(t *rapid.T, p events.Payload) events.Event {
	return events.Event{
		ID: text(t), CorrelationID: text(t), CausationID: text(t), SchemaVersion: fmt.Sprintf("1.%d", rapid.IntRange(0, 9).Draw(t, "minor")),
		Timestamp: moment.Draw(t, "timestamp"), SourceModule: text(t), SourceComponent: rapid.String().Draw(t, "component"),
		Metadata: rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "metadata"), Payload: p,
	}
}

var (
	moment = rapid.Custom(func(t *rapid.T) time.Time {
		return time.UnixMicro(rapid.Int64Range(1, 4e15).Draw(t, "µs")).UTC()
	})
	date = rapid.Custom(func(t *rapid.T) market.Date {
		return market.DateOf(moment.Draw(t, "day"))
	})
	symbol = rapid.StringMatching(`[A-Z]{1,5}(\.[A-Z])?`)
	amount = rapid.Custom(func(t *rapid.T) decimal.Decimal {
		return decimal.New(rapid.Int64().Draw(t, "coefficient"), rapid.Int32Range(-18, 6).Draw(t, "exponent"))
	})
)

// text draws a string that says something.
func text(t *rapid.T) string {
	return "x" + rapid.String().Draw(t, "text")
}

func optional[V comparable](g *rapid.Generator[V]) *rapid.Generator[V] {
	var none V
	return rapid.OneOf(rapid.Just(none), g)
}

func positive(t *rapid.T) decimal.Decimal {
	return amount.Filter(func(d decimal.Decimal) bool { return d.IsPositive() }).Draw(t, "positive amount")
}

func drawSlice[V any](t *rapid.T, least, most int, draw func(*rapid.T) V) []V {
	var vs []V
	for range rapid.IntRange(least, most).Draw(t, "length") {
		vs = append(vs, draw(t))
	}
	return vs
}

func drawRun(t *rapid.T) events.Run {
	return events.Run{PortfolioID: text(t), AccountID: text(t), TradingDate: date.Draw(t, "trading date"), SessionClose: moment.Draw(t, "close")}
}

// drawWeights draws shares that sum to exactly 1.
func drawWeights(t *rapid.T) map[string]decimal.Decimal {
	parts := rapid.MapOfN(symbol, rapid.Int64Range(0, 1000), 0, 5).Draw(t, "parts of a million")
	ws := map[string]decimal.Decimal{}
	rest := int64(1_000_000)
	for _, s := range slices.Sorted(maps.Keys(parts)) {
		ws[s] = decimal.New(parts[s], -6)
		rest -= parts[s]
	}
	ws["CASH-LIKE"] = decimal.New(rest, -6)
	return ws
}

func drawSignal(t *rapid.T) events.StrategySignal {
	return events.StrategySignal{
		Strategy: text(t), Digest: rapid.StringMatching(`[0-9a-f]{64}`).Draw(t, "digest"), Allocation: dec("0.25"), Weights: drawWeights(t),
		Options: rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "options"), HistoryDays: rapid.IntMin(0).Draw(t, "history"),
		Reasons: drawSlice(t, 0, 3, func(t *rapid.T) events.Reason { return events.Reason{Path: text(t), Text: text(t)} }),
	}
}

func drawHoldings(t *rapid.T) []events.Holding {
	var hs []events.Holding
	for _, s := range rapid.SliceOfNDistinct(symbol, 0, 4, rapid.ID).Draw(t, "held") {
		hs = append(hs, events.Holding{Symbol: s, Quantity: positive(t), Price: positive(t), MarketValue: positive(t)})
	}
	return hs
}

func drawOrder(t *rapid.T) events.ExecutedOrder {
	return events.ExecutedOrder{
		ClientOrderID: text(t), BrokerOrderID: rapid.String().Draw(t, "broker id"), Symbol: symbol.Draw(t, "symbol"),
		Side: rapid.SampledFrom([]market.Side{market.Buy, market.Sell}).Draw(t, "side"), Step: rapid.IntMin(0).Draw(t, "step"),
		OrderType: text(t), Quantity: positive(t), FilledQuantity: positive(t), AveragePrice: positive(t), ArrivalPrice: positive(t),
		SlippageBps: amount.Draw(t, "slippage"), Reason: rapid.String().Draw(t, "reason"),
		Status: rapid.SampledFrom([]events.OrderStatus{
			events.OrderFilled, events.OrderPartial, events.OrderCancelled, events.OrderRejected, events.OrderExpired,
		}).Draw(t, "status"),
		SubmittedAt: moment.Draw(t, "submitted"), FinishedAt: moment.Draw(t, "finished"),
	}
}
