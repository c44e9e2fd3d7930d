package cloudwatch_test

import (
	"fmt"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/cloudwatch"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
)

func Example() {
	store, err := state.Open("") // in memory
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := cloudwatch.New(cloudwatch.Config{Store: store, Clock: clock.New(), Sender: &outbox{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	arns, err := s.Inventory()
	fmt.Println(s.API().Name, len(arns), err)
	// Output: monitoring 0 <nil>
}
