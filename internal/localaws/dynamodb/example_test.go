package dynamodb_test

import (
	"fmt"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
)

func Example() {
	store, err := state.Open("") // in memory
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := dynamodb.New(dynamodb.Config{Store: store, Clock: clock.New()})
	if err != nil {
		fmt.Println(err)
		return
	}
	arns, err := s.Inventory()
	fmt.Println(s.API().Name, len(arns), err)
	// Output: dynamodb 0 <nil>
}
