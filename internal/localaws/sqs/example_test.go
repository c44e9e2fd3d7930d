package sqs_test

import (
	"fmt"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/sqs"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
)

func Example() {
	store, err := state.Open("") // in memory
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := sqs.New(sqs.Config{Store: store, Clock: clock.New(), URL: func() string { return "http://127.0.0.1:4566" }})
	if err != nil {
		fmt.Println(err)
		return
	}
	arns, err := s.Inventory()
	fmt.Println(s.API().Name, len(arns), err)
	// Output: sqs 0 <nil>
}
