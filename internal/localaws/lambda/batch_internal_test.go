package lambda

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// The documentation lists what makes a whole batch succeed and what makes it fail.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#sqs-batchfailurereporting-syntax
func TestReportSettlesWhatItDoesNotName(t *testing.T) {
	t.Parallel()
	b := &batch{receipts: map[string]string{"1": "r1", "2": "r2", "3": "r3"}}
	for answer, want := range map[string]string{
		``: "r1 r2 r3", `""`: "r1 r2 r3", `null`: "r1 r2 r3", `{}`: "r1 r2 r3", `{"batchItemFailures":null}`: "r1 r2 r3",
		`{"batchItemFailures":[]}`:                                              "r1 r2 r3",
		`{"batchItemFailures":[{"itemIdentifier":"2"}]}`:                        "r1 r3",
		`{"batchItemFailures":[{"itemIdentifier":"2"},{"itemIdentifier":"3"}]}`: "r1",
		`{"batchItemFailures":[{"itemIdentifier":"2"},{"itemIdentifier":"2"}]}`: "r1 r3",
		`{"batchItemFailures":[{"itemIdentifier":""}]}`:                         "",
		`{"batchItemFailures":[{"itemIdentifier":null}]}`:                       "",
		`{"batchItemFailures":[{"other":"2"}]}`:                                 "",
		`{"batchItemFailures":[{"itemIdentifier":"of another batch"}]}`:         "",
		`{"batchItemFailures":`:                                                 "",
		`"text"`:                                                                "",
	} {
		if got := strings.Join(slices.Sorted(slices.Values(b.done(true, []byte(answer)))), " "); got != want {
			t.Errorf("%s settles %q, want %q", answer, got, want)
		}
		if got := len(b.done(false, []byte(answer))); got != 3 {
			t.Errorf("%s of a function that reports nothing settles %d, want all", answer, got)
		}
	}
}

func FuzzReport(f *testing.F) {
	f.Add([]byte(`{"batchItemFailures":[{"itemIdentifier":"1"}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		b := &batch{receipts: map[string]string{"1": "r1", "2": "r2"}}
		for _, r := range b.done(true, answer) {
			if !slices.Contains(slices.Collect(maps.Values(b.receipts)), r) {
				t.Errorf("%q settles %q, which is not of the batch", answer, r)
			}
		}
		if len(b.receipts) != 2 {
			t.Errorf("%q changes the batch", answer)
		}
	})
}
