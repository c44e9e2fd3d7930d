package alpaca_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
)

// Every status in the table of docs/broker.md means what the table says.
func TestStatusesAreAsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/broker.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| Alpaca | here |\n|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	documented := 0
	for row := range strings.Lines(table) {
		cells := strings.Split(row, "|")
		want, _, _ := strings.Cut(strings.TrimSpace(cells[2]), ",")
		want, _, _ = strings.Cut(want, ";")
		for status := range strings.SplitSeq(cells[1], ",") {
			documented++
			c := serve(t, func(*http.Request) (int, string) {
				return 200, fmt.Sprintf(`{"id":"b","client_order_id":"id","symbol":"SPY","side":"sell","type":"market","qty":"2","status":%q}`, strings.TrimSpace(status))
			})
			if o, found, err := c.OrderByClientID(t.Context(), "id"); err != nil || !found || string(o.State) != want {
				t.Errorf("%s is %s (%v), the page says %s", status, o.State, err, want)
			}
		}
	}
	if documented != 17 {
		t.Errorf("the page has %d statuses, Alpaca 17", documented)
	}
}
