package execution_test

import (
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/execution"
)

// A fill overtakes a cancel: the order is filled after all.
func ExampleOrder_Apply() {
	o := execution.Order{
		OrderRequest: execution.OrderRequest{ClientID: "id", Quantity: decimal.NewFromInt(10)}, State: execution.StateCancelled,
	}
	o, err := o.Apply(execution.Change{Kind: execution.KindFill, Filled: decimal.NewFromInt(10), AveragePrice: decimal.NewFromInt(5)})
	fmt.Println(o.State, err)
	_, err = o.Apply(execution.Change{Kind: execution.KindCancel, Filled: decimal.NewFromInt(10), AveragePrice: decimal.NewFromInt(5)})
	fmt.Println(err)
	// Output:
	// filled <nil>
	// order id is filled: cancel is refused: it does not follow
}
