package events_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
)

// While a target takes nothing, events are accepted up to a limit and then refused as throttled; what was accepted is delivered
// once the target is back, and new events are accepted again.
func TestOverloadPushesBackAndDropsNothing(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		b.route(nil)
		b.stop()
		b.limit = 20
		b.start()
		put := func() (refused string) {
			out, err := b.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{
				EventBusName: aws.String("orders"), Source: aws.String("shop"), DetailType: aws.String("Placed"), Detail: aws.String("{}"),
			}}})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			return aws.ToString(out.Entries[0].ErrorCode)
		}
		b.receiver.refuseNext(&delivery.Error{Code: "THROTTLING", Message: "later", Retryable: true})
		accepted := 0
		for range 30 {
			switch refused := put(); refused {
			case "":
				accepted++
			case "ThrottlingException":
			default:
				t.Fatalf("refused as %s", refused)
			}
		}
		if accepted != 20 {
			t.Errorf("%d events were accepted, want 20", accepted)
		}
		b.receiver.refuseNext(nil)
		time.Sleep(time.Hour)
		if got := len(b.receiver.take(queue)); got != accepted {
			t.Errorf("%d events came, want %d", got, accepted)
		}
		if refused := put(); refused != "" {
			t.Errorf("after the overload: %s", refused)
		}
	})
}
