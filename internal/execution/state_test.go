package execution_test

import (
	"errors"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/internal/execution"
)

func decInt(i int) decimal.Decimal { return decimal.NewFromInt(int64(i)) }

func orderIn(state execution.State, filled string) execution.Order {
	o := execution.Order{OrderRequest: execution.OrderRequest{ClientID: "id", Quantity: dec("10")}, State: state, Filled: dec(filled)}
	if o.Filled.IsPositive() {
		o.AveragePrice, o.Fills = dec("5"), 1
	}
	return o
}

func TestLifeOfAnOrder(t *testing.T) {
	const refused = ""
	tests := map[string]struct {
		from   execution.State
		had    string
		kind   execution.Kind
		filled string
		want   execution.State
	}{
		"a new order is sent":             {execution.StateNew, "0", execution.KindSend, "0", execution.StatePendingSubmit},
		"a new order cannot be filled":    {execution.StateNew, "0", execution.KindFill, "10", refused},
		"a sent order is accepted":        {execution.StatePendingSubmit, "0", execution.KindAccept, "0", execution.StateWorking},
		"a sent order is refused":         {execution.StatePendingSubmit, "0", execution.KindReject, "0", execution.StateRejected},
		"a sent order is filled already":  {execution.StatePendingSubmit, "0", execution.KindFill, "10", execution.StateFilled},
		"an order is not sent twice":      {execution.StatePendingSubmit, "0", execution.KindSend, "0", refused},
		"a working order fills in part":   {execution.StateWorking, "0", execution.KindPartFill, "4", execution.StatePartiallyFilled},
		"a part fill is not the whole":    {execution.StateWorking, "0", execution.KindPartFill, "10", refused},
		"a fill is the whole":             {execution.StateWorking, "0", execution.KindFill, "9", refused},
		"fills do not shrink":             {execution.StatePartiallyFilled, "4", execution.KindPartFill, "3", refused},
		"fills do not exceed the order":   {execution.StatePartiallyFilled, "4", execution.KindPartFill, "11", refused},
		"a part is cancelled":             {execution.StatePartiallyFilled, "4", execution.KindCancel, "4", execution.StateCancelled},
		"cancelled with one more fill":    {execution.StatePartiallyFilled, "4", execution.KindCancel, "6", execution.StateCancelled},
		"fill overtakes cancel":           {execution.StateCancelled, "0", execution.KindFill, "10", execution.StateFilled},
		"part fill overtakes cancel":      {execution.StateCancelled, "0", execution.KindPartFill, "4", execution.StateCancelled},
		"fill reported after expiry":      {execution.StateExpired, "4", execution.KindFill, "10", execution.StateFilled},
		"a part is replaced by hand":      {execution.StatePartiallyFilled, "4", execution.KindReplace, "4", execution.StateReplaced},
		"fill reported after replacement": {execution.StateReplaced, "4", execution.KindFill, "10", execution.StateFilled},
		"a replaced order is not working": {execution.StateReplaced, "4", execution.KindAccept, "0", refused},
		"a filled order is not cancelled": {execution.StateFilled, "10", execution.KindCancel, "10", refused},
		"a refused order is not filled":   {execution.StateRejected, "0", execution.KindFill, "10", refused},
		"a part fill is not refused":      {execution.StatePartiallyFilled, "4", execution.KindReject, "0", refused},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before := orderIn(tt.from, tt.had)
			after, err := before.Apply(execution.Change{Kind: tt.kind, Filled: dec(tt.filled), AveragePrice: dec("5"), At: time.Unix(1, 0)})
			var transition *execution.TransitionError
			switch {
			case tt.want == refused && (!errors.As(err, &transition) || after != before):
				t.Errorf("got %s, %v; want it refused and the order as it was", after.State, err)
			case tt.want != refused && (err != nil || after.State != tt.want || !after.Filled.Equal(dec(tt.filled))):
				t.Errorf("got %s with %s filled, %v; want %s with %s", after.State, after.Filled, err, tt.want, tt.filled)
			}
		})
	}
}

// Whatever is reported, and in whatever order: fills neither shrink nor exceed the order, a filled order stays filled,
// and what is refused changes nothing.
func TestLifeOfAnOrderIsMonotone(t *testing.T) {
	kinds := []execution.Kind{
		execution.KindSend, execution.KindAccept, execution.KindPartFill, execution.KindFill, execution.KindCancel, execution.KindReject, execution.KindExpire,
		execution.KindReplace,
	}
	rapid.Check(t, func(t *rapid.T) {
		o := orderIn(execution.StateNew, "0")
		for range rapid.IntRange(1, 20).Draw(t, "changes") {
			c := execution.Change{
				Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Filled: decInt(rapid.IntRange(0, 12).Draw(t, "filled")),
				AveragePrice: decInt(rapid.IntRange(0, 3).Draw(t, "price")),
			}
			after, err := o.Apply(c)
			if err != nil && after != o {
				t.Fatalf("refused %v, but changed %+v to %+v", err, o, after)
			}
			if after.Filled.LessThan(o.Filled) || after.Filled.GreaterThan(o.Quantity) {
				t.Fatalf("filled %s after %s of %s", after.Filled, o.Filled, o.Quantity)
			}
			if o.State.Final() && !after.State.Final() || o.State == execution.StateFilled && after.State != o.State {
				t.Fatalf("%s after %s", after.State, o.State)
			}
			if (after.State == execution.StateFilled) != after.Filled.Equal(after.Quantity) && after.State != execution.StateCancelled && after.State != execution.StateExpired && after.State != execution.StateReplaced {
				t.Fatalf("%s with %s of %s filled", after.State, after.Filled, after.Quantity)
			}
			if after.Filled.IsPositive() != after.AveragePrice.IsPositive() {
				t.Fatalf("%s filled at %s", after.Filled, after.AveragePrice)
			}
			o = after
		}
	})
}
