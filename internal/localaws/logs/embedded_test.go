package logs_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/logs"
)

// tally notes what is counted.
type tally struct{ seen []string }

func (t *tally) Count(namespace, name string, dimensions map[string]string, value float64, unit string) {
	t.CountAt(time.Time{}, namespace, name, dimensions, value, unit)
}

func (t *tally) CountAt(at time.Time, namespace, name string, dimensions map[string]string, value float64, unit string) {
	t.seen = append(t.seen, fmt.Sprintf("%d%s %s%v%g%s", at.UnixMilli(), namespace, name, dimensions, value, unit))
}

func TestLinesInTheEmbeddedMetricFormatAreMetrics(t *testing.T) {
	t.Parallel()
	sink := &tally{}
	s, err := logs.New(logs.Config{Store: memory(t), Clock: clock.New(), Metrics: sink})
	if err != nil {
		t.Fatal(err)
	}
	const head = `"_aws":{"Timestamp":1772442000000,"CloudWatchMetrics":[{"Namespace":"Alchemiser","Dimensions":[["Stage"],[]],"Metrics":[{"Name":"orders","Unit":"Count"},{"Name":"took"}]}]}`
	var lines []logs.Event
	for _, line := range []string{
		`{` + head + `,"Stage":"dev","orders":3,"took":[1.5,2]}`,
		`{` + head + `,"orders":"three"}`,      // no number
		`{"Stage":"dev","orders":3}`,           // no head
		`{` + head + `,"Stage":7,"orders":1`,   // no JSON
		`"CloudWatchMetrics" stands in a text`, // no object
	} {
		lines = append(lines, logs.Event{Time: time.UnixMilli(1772442000000), Message: line})
	}
	if err := s.Write(context.Background(), "g", "s", lines); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"1772442000000Alchemiser ordersmap[Stage:dev]3Count", "1772442000000Alchemiser ordersmap[]3Count",
		"1772442000000Alchemiser tookmap[Stage:dev]1.5None", "1772442000000Alchemiser tookmap[]1.5None",
		"1772442000000Alchemiser tookmap[Stage:dev]2None", "1772442000000Alchemiser tookmap[]2None",
	}
	if diff := cmp.Diff(want, sink.seen); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
