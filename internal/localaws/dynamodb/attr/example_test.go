package attr_test

import (
	"encoding/json"
	"fmt"

	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
)

func Example() {
	var v attr.Value
	if err := json.Unmarshal([]byte(`{"N":"1.500"}`), &v); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(attr.FormatNumber(v.Num), v.Size())
	// Output: 1.5 2
}
