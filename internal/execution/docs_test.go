package execution_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/execution"
)

// The table in docs/trading.md is the life of an order as it is tried out here, one change after the other.
func TestLifeOfAnOrderIsAsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/trading.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| from | can become |\n|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	states := []execution.State{
		execution.StateNew, execution.StatePendingSubmit, execution.StateWorking, execution.StatePartiallyFilled,
		execution.StateCancelled, execution.StateExpired, execution.StateReplaced, execution.StateFilled, execution.StateRejected,
	}
	kinds := []execution.Kind{
		execution.KindSend, execution.KindAccept, execution.KindPartFill, execution.KindFill, execution.KindCancel, execution.KindReject, execution.KindExpire,
		execution.KindReplace,
	}
	var rows []string
	for _, from := range states {
		next := map[string]bool{}
		for _, kind := range kinds {
			for _, filled := range []string{"0", "4", "10"} {
				o := execution.Order{OrderRequest: execution.OrderRequest{ClientID: "1", Quantity: dec("10")}, State: from}
				after, err := o.Apply(execution.Change{Kind: kind, Filled: dec(filled), AveragePrice: dec("1")})
				if err == nil && after.State != from {
					next[string(after.State)] = true
				}
			}
		}
		rows = append(rows, strings.TrimRight(fmt.Sprintf("| %s | %s", from, strings.Join(slices.Sorted(maps.Keys(next)), ", ")), " ")+" |")
	}
	if d := cmp.Diff(strings.Join(rows, "\n"), table); d != "" {
		t.Errorf("docs/trading.md (-code +page):\n%s", d)
	}
}
