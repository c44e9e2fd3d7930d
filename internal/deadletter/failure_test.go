package deadletter_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/deadletter"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

func TestAFailureOfAProcessIsReadAsOneOfLambda(t *testing.T) {
	q := &queue{}
	letters, err := deadletter.New(q, "url")
	if err != nil {
		t.Fatal(err)
	}
	f := deadletter.Failure{RequestID: "r-1", Condition: "RetriesExhausted", Attempts: 3, Message: "the broker is down", Raw: []byte(envelope)}
	if err := letters.SendFailed(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	got, err := deadletter.Parse([]byte(aws.ToString(q.sent[0].MessageBody)), nil)
	want := deadletter.Letter{Shape: deadletter.ShapeFailed, EventID: "event-1", RequestID: "r-1", Reason: "the broker is down", Attempts: 3, Event: []byte(envelope)}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v, read back (-want +got):\n%s", err, d)
	}
}

func TestAFailureIsNotTooLongForAQueue(t *testing.T) {
	q := &queue{}
	letters, err := deadletter.New(q, "url")
	if err != nil {
		t.Fatal(err)
	}
	f := deadletter.Failure{Message: strings.Repeat("é", 300_000), Raw: []byte(envelope)}
	if err := letters.SendFailed(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if n := len(aws.ToString(q.sent[0].MessageBody)); n > 8192 {
		t.Errorf("sent %d bytes", n)
	}
}

func TestAFailureThatIsNotSentIsAnError(t *testing.T) {
	letters, err := deadletter.New(&queue{err: errors.New("no route to host")}, "url")
	if err != nil {
		t.Fatal(err)
	}
	if err := letters.SendFailed(t.Context(), deadletter.Failure{Raw: []byte(envelope)}); fault.CodeOf(err) != fault.Transient {
		t.Errorf("error %v, want a transient one", err)
	}
}
