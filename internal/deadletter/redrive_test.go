package deadletter_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/consumer/consumertest"
	"github.com/the-alchemiser/alchemiser/internal/deadletter"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// invoker keeps what is invoked, or fails with err.
type invoker struct {
	invoked []*lambda.InvokeInput
	err     error
}

func (i *invoker) Invoke(_ context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	i.invoked = append(i.invoked, in)
	return &lambda.InvokeOutput{}, i.err
}

func redriver(t *testing.T, claims consumer.Claims, i *invoker) *deadletter.Redriver {
	t.Helper()
	r, err := deadletter.NewRedriver(claims, i, "strategy", "alchemiser-strategy-dev:live")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRedriveGivesTheEventBackToItsFunctionAlone(t *testing.T) {
	const replayed = `{"source":"s","detail-type":"SignalGenerated","replay-name":"r","detail":{"event_id":"event-1"}}`
	for name, tt := range map[string]struct{ event, id, claimed string }{
		"a dead event": {`{"source":"s","detail-type":"SignalGenerated","detail":{"event_id":"event-1"}}`, "event-1", "event-1"},
		"a replay":     {replayed, "event-1", "r/event-1"},
		"the watchdog": {`{"watchdog":true}`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			claims, i := &consumertest.Memory{}, &invoker{}
			key := consumer.Key{Function: "strategy", EventID: tt.claimed}
			if tt.claimed != "" {
				dead := consumer.Claim{Key: key, Token: "1", Status: consumer.StatusDead, Buried: true, Closed: true}
				if _, err := claims.Swap(t.Context(), "", dead, nil); err != nil {
					t.Fatal(err)
				}
			}
			if err := redriver(t, claims, i).Redrive(t.Context(), deadletter.Letter{EventID: tt.id, Event: []byte(tt.event)}); err != nil {
				t.Fatal(err)
			}
			if c, found, _ := claims.Get(t.Context(), key); found && c.Status != consumer.StatusRunning {
				t.Errorf("the claim is %s", c.Status)
			}
			if len(i.invoked) != 1 || string(i.invoked[0].Payload) != tt.event || i.invoked[0].InvocationType != types.InvocationTypeEvent ||
				aws.ToString(i.invoked[0].FunctionName) != "alchemiser-strategy-dev:live" {
				t.Errorf("invoked %+v", i.invoked)
			}
		})
	}
}

// A delivery that was killed holds its claim until its time would have been up; that it is dead, its letter proves.
func TestRedriveFreesTheClaimOfTheDeliveryThatFailed(t *testing.T) {
	const event = `{"source":"s","detail-type":"SignalGenerated","detail":{"event_id":"event-1"}}`
	key := consumer.Key{Function: "strategy", EventID: "event-1"}
	for owner, freed := range map[string]bool{"the-failed-one": true, "another-one": false} {
		claims := &consumertest.Memory{}
		c := consumer.Claim{Key: key, Token: "1", Status: consumer.StatusRunning, Owner: owner, Lease: time.Now().Add(time.Hour)}
		if _, err := claims.Swap(t.Context(), "", c, nil); err != nil {
			t.Fatal(err)
		}
		l := deadletter.Letter{Shape: deadletter.ShapeFailed, EventID: "event-1", RequestID: "the-failed-one", Event: []byte(event)}
		if err := redriver(t, claims, &invoker{}).Redrive(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		if got, _, _ := claims.Get(t.Context(), key); got.Lease.After(time.Now()) == freed {
			t.Errorf("the claim of %s is leased until %s, want freed: %t", owner, got.Lease, freed)
		}
	}
}

func TestRedriveSaysWhyItCannot(t *testing.T) {
	burying := &consumertest.Memory{}
	key := consumer.Key{Function: "strategy", EventID: "event-1"}
	if _, err := burying.Swap(t.Context(), "", consumer.Claim{Key: key, Token: "1", Status: consumer.StatusDead, Lease: time.Now().Add(time.Hour)}, nil); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		claims *consumertest.Memory
		event  string
		err    error
		want   fault.Code
		calls  int
	}{
		"no JSON":             {&consumertest.Memory{}, "not even JSON", nil, fault.Invalid, 0},
		"still being buried":  {burying, envelope, nil, fault.Transient, 0},
		"no such function":    {&consumertest.Memory{}, envelope, &types.ResourceNotFoundException{}, fault.Internal, 1},
		"no answer of Lambda": {&consumertest.Memory{}, envelope, errors.New("connection reset"), fault.Transient, 1},
	} {
		t.Run(name, func(t *testing.T) {
			i := &invoker{err: tt.err}
			err := redriver(t, tt.claims, i).Redrive(t.Context(), deadletter.Letter{EventID: "event-1", Event: []byte(tt.event)})
			if fault.CodeOf(err) != tt.want || len(i.invoked) != tt.calls {
				t.Errorf("%v after %d invocations, want %s after %d", err, len(i.invoked), tt.want, tt.calls)
			}
		})
	}
}
