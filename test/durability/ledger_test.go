package durability_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// ledger is what the endpoint has acknowledged, by what was done. It is safe for concurrent use.
type ledger struct {
	mu    sync.Mutex
	acked map[string]map[string]bool
	// closed is true while answers do not count any more.
	closed bool
	// enough is how many are still to be acknowledged, at the least one of each deed, until reached is closed.
	enough  int
	reached chan struct{}
	began   time.Time
}

// newLedger prepares the endpoint for all that is done to it.
func newLedger(t *testing.T, cfg aws.Config) *ledger {
	t.Helper()
	l := &ledger{acked: map[string]map[string]bool{}, began: time.Now()}
	for _, d := range deeds {
		l.acked[d.name] = map[string]bool{}
	}
	prepare(t, cfg)
	return l
}

// load does all deeds at the same time until the endpoint is gone or ctx ends, and returns when n more have been acknowledged,
// and each deed once. The names of what is done begin with round.
func (l *ledger) load(ctx context.Context, cfg aws.Config, round string, n int) *sync.WaitGroup {
	l.mu.Lock()
	reached := make(chan struct{})
	l.closed, l.enough, l.reached = false, n, reached
	l.mu.Unlock()
	var load sync.WaitGroup
	for _, d := range deeds {
		for c := range max(d.clients, 1) {
			load.Go(func() {
				client := fmt.Sprintf("%s-%d", round, c)
				for i := 0; ctx.Err() == nil && (d.limit == 0 || i < d.limit); i++ {
					names := d.do(ctx, cfg, fmt.Sprintf("%s-%d", client, i))
					if len(names) == 0 {
						return
					}
					l.note(d.name, names)
				}
			})
		}
	}
	<-reached
	return &load
}

// note writes down what was acknowledged.
func (l *ledger) note(what string, names []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	for _, name := range names {
		l.acked[what][name] = true
	}
	l.enough -= len(names)
	if l.reached != nil && l.enough <= 0 && !slices.ContainsFunc(deeds, func(d deed) bool { return len(l.acked[d.name]) == 0 }) {
		close(l.reached)
		l.reached = nil
	}
}

// replay starts to send the archive once more, to the queue "replayed".
func (l *ledger) replay(t *testing.T, cfg aws.Config) {
	t.Helper()
	_, err := eventbridge.NewFromConfig(cfg).StartReplay(t.Context(), &eventbridge.StartReplayInput{
		ReplayName: aws.String("again"), EventSourceArn: aws.String("arn:aws:events:us-east-1:000000000000:archive/kept"),
		EventStartTime: aws.Time(l.began.Add(-time.Minute)), EventEndTime: aws.Time(time.Now().Add(time.Minute)),
		Destination: &ebtypes.ReplayDestination{
			Arn:        aws.String("arn:aws:events:us-east-1:000000000000:event-bus/bus"),
			FilterArns: []string{"arn:aws:events:us-east-1:000000000000:rule/bus/replayed"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// replayed waits until the replay has sent at least so many events, or has ended.
func (l *ledger) replayed(t *testing.T, cfg aws.Config, n int) {
	t.Helper()
	for depth(t, cfg, "replayed") < n {
		out, err := eventbridge.NewFromConfig(cfg).DescribeReplay(t.Context(), &eventbridge.DescribeReplayInput{ReplayName: aws.String("again")})
		if err != nil {
			t.Fatal(err)
		}
		if out.State != ebtypes.ReplayStateStarting && out.State != ebtypes.ReplayStateRunning {
			return
		}
	}
}

// check looks for what was acknowledged: nothing of it may be missing anywhere.
func (l *ledger) check(t *testing.T, cfg aws.Config) {
	t.Helper()
	table := []string{fmt.Sprintf("%-44s %12s %6s %6s %16s", "done → found", "acknowledged", "lost", "again", "never answered")}
	for _, d := range deeds {
		acked := l.acked[d.name]
		for _, place := range slices.Sorted(maps.Keys(d.found)) {
			got := d.found[place](t, cfg, acked)
			lost, again, more := 0, 0, 0
			for name := range acked {
				switch n := got[name]; {
				case n == 0:
					lost++
				case n > 1:
					again++
				}
			}
			for name := range got {
				if !acked[name] {
					more++
				}
			}
			table = append(table, fmt.Sprintf("%-44s %12d %6d %6d %16d", d.name+" → "+place, len(acked), lost, again, more))
			if lost > 0 {
				t.Errorf("%s → %s: %d of %d that were acknowledged are lost", d.name, place, lost, len(acked))
			}
		}
	}
	t.Log("\n" + strings.Join(table, "\n"))
}
