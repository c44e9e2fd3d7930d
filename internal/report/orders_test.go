package report_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/the-alchemiser/alchemiser/internal/report"
)

func TestEachOrderIsExplained(t *testing.T) {
	orders := report.Explain(story())
	if len(orders) == 0 {
		t.Fatal("no orders")
	}
	for _, o := range orders {
		if o.Planned == nil || o.Planned.Symbol != o.Symbol || o.Placed.Symbol != o.Symbol {
			t.Errorf("order of %s: planned %+v, placed %+v", o.Symbol, o.Planned, o.Placed)
		}
	}
	var out bytes.Buffer
	if err := report.WriteOrders(&out, orders); err != nil {
		t.Fatal(err)
	}
	golden(t, "orders.txt", out.Bytes())
}

func TestOrdersOfNothing(t *testing.T) {
	var out bytes.Buffer
	if err := report.WriteOrders(&out, report.Explain(nil)); err != nil || out.String() != "No orders.\n" {
		t.Errorf("WriteOrders of nothing: %q, %v", out.String(), err)
	}
}

func TestHowMuchOfATraceIsNamed(t *testing.T) {
	tests := map[string]struct {
		documents []string
		want      float64
	}{
		"nothing but the root": {[]string{`{"id":"a","name":"f","start_time":100.0,"end_time":101.0}`}, 0},
		"half of it":           {[]string{`{"id":"a","name":"f","start_time":100.0,"end_time":101.0,"subsegments":[{"id":"b","name":"x","start_time":100.25,"end_time":100.75}]}`}, 0.5},
		"spans that overlap count once": {[]string{`{"id":"a","name":"f","start_time":100.0,"end_time":101.0,"subsegments":[
			{"id":"b","name":"x","start_time":100.0,"end_time":100.5},{"id":"c","name":"y","start_time":100.25,"end_time":100.5},{"id":"d","name":"z","start_time":100.4,"end_time":100.6}]}`}, 0.6},
		"spans beyond the root's end": {[]string{`{"id":"a","name":"f","start_time":100.0,"end_time":100.5}`, `{"id":"b","parent_id":"a","name":"g","start_time":100.5,"end_time":101.0}`}, 0.5},
	}
	for name, tt := range tests {
		trace, err := report.ParseTrace("1-x", tt.documents)
		if err != nil {
			t.Fatal(err)
		}
		if got := trace.Covered(); math.Abs(got-tt.want) > 1e-6 {
			t.Errorf("%s: %f is covered, want %f", name, got, tt.want)
		}
	}
	if got := (report.Trace{}).Covered(); got != 0 {
		t.Errorf("of no trace %f is covered", got)
	}
}
