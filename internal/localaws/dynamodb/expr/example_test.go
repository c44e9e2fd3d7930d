package expr_test

import (
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/expr"
)

func Example() {
	env, err := expr.NewEnv(nil, attr.Item{":one": {Type: attr.Number, Num: decimal.NewFromInt(1)}})
	if err != nil {
		fmt.Println(err)
		return
	}
	update, err := expr.ParseUpdate("SET attempts = if_not_exists(attempts, :one) + :one", env)
	if err != nil {
		fmt.Println(err)
		return
	}
	item, err := update.Apply(attr.Item{})
	fmt.Println(item["attempts"].Num, err)
	// Output: 2 <nil>
}
