package filter_test

import (
	"fmt"

	"github.com/the-alchemiser/alchemiser/internal/localaws/logs/filter"
)

func Example() {
	p, err := filter.Parse(`{ $.level = "error" && $.correlation_id = "run-*" }`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Match(`{"level":"error","correlation_id":"run-core"}`), p.Match("plain text"))
	// Output: true false
}
