package scheduler_test

import (
	"fmt"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/scheduler"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
)

func Example() {
	store, err := state.Open("") // in memory
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() {
		if err := store.Close(); err != nil {
			fmt.Println(err)
		}
	}()
	service, err := scheduler.New(scheduler.Config{Store: store, Clock: clock.New(), Sender: &receiver{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(service.Inventory())
	// Output: [] <nil>
}
