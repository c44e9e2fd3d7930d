package dynamodb

import (
	"slices"
	"strconv"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
)

// constraint is a member's refusal in the words of AWS's front end.
func constraint(value, member, must string) error {
	return attr.Invalidf("1 validation error detected: Value %s at '%s' failed to satisfy constraint: Member must %s", value, member, must)
}

// checkEnum refuses a value that is given and not allowed.
func checkEnum(value, member string, allowed ...string) error {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	return constraint("'"+value+"'", member, "satisfy enum value set: ["+strings.Join(allowed, ", ")+"]")
}

// checkLength refuses a list that is too short or too long.
func checkLength(n, most int, member string) error {
	switch {
	case n == 0:
		return constraint("'[]'", member, "have length greater than or equal to 1")
	case n > most:
		return constraint("'["+strings.Repeat("…, ", most)+"…]'", member, "have length less than or equal to "+strconv.Itoa(most))
	}
	return nil
}

func checkCollectionMetrics(asked string) error {
	return checkEnum(asked, "returnItemCollectionMetrics", "SIZE", "NONE")
}
