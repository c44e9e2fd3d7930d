package logs_test

import (
	"fmt"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/logs"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
)

func Example() {
	store, err := state.Open("") // in memory
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := logs.New(logs.Config{Store: store, Clock: clock.New()})
	if err != nil {
		fmt.Println(err)
		return
	}
	arns, err := s.Inventory()
	fmt.Println(s.API().Name, len(arns), err)
	// Output: logs 0 <nil>
}
