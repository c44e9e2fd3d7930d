package notify_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/the-alchemiser/alchemiser/internal/notify"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// topic prints what is published, or fails with err.
type topic struct{ err error }

func (f topic) Publish(_ context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	if f.err != nil {
		return nil, f.err
	}
	fmt.Printf("%s\n%s: %s\n", aws.ToString(in.TopicArn), aws.ToString(in.Subject), aws.ToString(in.Message))
	return &sns.PublishOutput{}, nil
}

func TestNotifyRefusesWhatSNSRefuses(t *testing.T) {
	people, err := notify.New(topic{}, "arn")
	if err != nil {
		t.Fatal(err)
	}
	for name, subject := range map[string]string{
		"empty": "", "two lines": "a\nb", "not ASCII": "Übersicht", "too long": strings.Repeat("a", 101),
	} {
		if err := people.Notify(t.Context(), subject, "body"); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s subject: %v, want an invalid error", name, err)
		}
	}
}

func TestNotifyReturnsWhatTheErrorAsksFor(t *testing.T) {
	for want, failure := range map[fault.Code]error{
		fault.Transient: &types.ThrottledException{}, fault.Internal: &types.NotFoundException{},
	} {
		people, err := notify.New(topic{err: failure}, "arn")
		if err != nil {
			t.Fatal(err)
		}
		if err := people.Notify(t.Context(), "subject", "body"); fault.CodeOf(err) != want || !errors.Is(err, failure) {
			t.Errorf("%v is %s, want %s", err, fault.CodeOf(err), want)
		}
	}
}

func ExampleTopic_Notify() {
	people, err := notify.New(topic{}, "arn:aws:sns:us-east-1:000000000000:digest")
	if err != nil {
		panic(err)
	}
	if err := people.Notify(context.Background(), "main: completed", "4 orders"); err != nil {
		panic(err)
	}
	// Output:
	// arn:aws:sns:us-east-1:000000000000:digest
	// main: completed: 4 orders
}
