package consumertest

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// TestClaims holds an implementation of consumer.Claims to its contract. It may share one store among the tests: every
// key is used once.
func TestClaims(t *testing.T, claims consumer.Claims) {
	t.Run("what is not there is not found", func(t *testing.T) {
		if c, found, err := claims.Get(t.Context(), key(t)); found || err != nil {
			t.Errorf("Get = %+v, %t, %v, want nothing", c, found, err)
		}
	})
	t.Run("a claim comes back as it was stored", func(t *testing.T) {
		want := full(t, "one")
		swap(t, claims, "", want, "one")
		got, found, err := claims.Get(t.Context(), want.Key)
		if err != nil || !found {
			t.Fatalf("Get = %t, %v", found, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("stored and read differ (-want +got):\n%s", d)
		}
	})
	t.Run("the second of two first claims is told the first", func(t *testing.T) {
		swap(t, claims, "", full(t, "one"), "one")
		swap(t, claims, "", full(t, "two"), "one")
	})
	t.Run("a claim changes for whoever knows its token", func(t *testing.T) {
		swap(t, claims, "", full(t, "one"), "one")
		swap(t, claims, "one", full(t, "two"), "two")
		swap(t, claims, "one", full(t, "three"), "two")
		if got, _, _ := claims.Get(t.Context(), key(t)); got.Token != "two" {
			t.Errorf("the claim has token %q after a refused swap, want two", got.Token)
		}
	})
	t.Run("a repeated swap, its reply lost, succeeds", func(t *testing.T) {
		swap(t, claims, "", full(t, "one"), "one")
		swap(t, claims, "", full(t, "one"), "one")
		swap(t, claims, "one", full(t, "two"), "two")
		swap(t, claims, "one", full(t, "two"), "two")
	})
	t.Run("a claim that is gone is not made again by a later write", func(t *testing.T) {
		swap(t, claims, "one", full(t, "two"), "")
		if _, found, err := claims.Get(t.Context(), key(t)); found || err != nil {
			t.Errorf("Get = %t, %v, want nothing", found, err)
		}
	})
	t.Run("keys stay apart whatever is in them", func(t *testing.T) {
		a, b := full(t, "one"), full(t, "two")
		a.Key = consumer.Key{Function: t.Name(), EventID: "a#b"}
		b.Key = consumer.Key{Function: t.Name() + "#a", EventID: "b"}
		swap(t, claims, "", a, "one")
		swap(t, claims, "", b, "two")
	})
	t.Run("outbox", func(t *testing.T) { testOutbox(t, claims) })
	t.Run("of many at once one wins and all are told who", func(t *testing.T) { testRace(t, claims) })
}

func testOutbox(t *testing.T, claims consumer.Claims) {
	t.Helper()
	follow := make([]events.Event, 12) // more than one digit
	for i := range follow {
		follow[i] = event(t, i)
	}
	c := full(t, "one")
	swap(t, claims, "", c, "one")
	if got, err := claims.Outbox(t.Context(), c.Key); err != nil || len(got) != 0 {
		t.Fatalf("outbox before anything was stored = %v, %v", got, err)
	}

	refused := full(t, "refused")
	stored, err := claims.Swap(t.Context(), "other", refused, follow)
	if err != nil || stored.Token != "one" {
		t.Fatalf("a swap with a wrong token = %q, %v, want to be told one", stored.Token, err)
	}
	if got, err := claims.Outbox(t.Context(), c.Key); err != nil || len(got) != 0 {
		t.Fatalf("outbox after a refused swap = %v, %v, want nothing", got, err)
	}

	committed := full(t, "two")
	for range 2 { // the second time as if the reply was lost
		stored, err = claims.Swap(t.Context(), "one", committed, follow)
		if err != nil || stored.Token != "two" {
			t.Fatalf("swap with an outbox = %q, %v, want two", stored.Token, err)
		}
	}
	swap(t, claims, "two", full(t, "three"), "three")
	got, err := claims.Outbox(t.Context(), c.Key)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(follow, got); d != "" {
		t.Errorf("stored and read events differ (-want +got):\n%s", d)
	}
}

func testRace(t *testing.T, claims consumer.Claims) {
	t.Helper()
	const claimants = 16
	told := make([]string, claimants)
	var group sync.WaitGroup
	for i := range claimants {
		group.Go(func() {
			stored, err := claims.Swap(t.Context(), "", full(t, "token-"+strconv.Itoa(i)), nil)
			if err != nil {
				t.Errorf("claimant %d: %v", i, err)
			}
			told[i] = stored.Token
		})
	}
	group.Wait()
	winners := 0
	for i, name := range told {
		if name != told[0] {
			t.Errorf("claimant %d was told %q, claimant 0 %q", i, name, told[0])
		}
		if name == "token-"+strconv.Itoa(i) {
			winners++
		}
	}
	if winners != 1 {
		t.Errorf("%d claimants won, want 1", winners)
	}
}

// swap stores next and wants to be told the token.
func swap(t *testing.T, claims consumer.Claims, prev string, next consumer.Claim, want string) {
	t.Helper()
	stored, err := claims.Swap(t.Context(), prev, next, nil)
	if err != nil {
		t.Fatalf("swap %q to %q: %v", prev, next.Token, err)
	}
	if stored.Token != want {
		t.Fatalf("swap %q to %q: the claim has token %q, want %q", prev, next.Token, stored.Token, want)
	}
}

func key(t *testing.T) consumer.Key {
	t.Helper()
	return consumer.Key{Function: "conformance", EventID: t.Name()}
}

// full returns a claim with a value in every field.
func full(t *testing.T, token string) consumer.Claim {
	t.Helper()
	return consumer.Claim{
		Key: key(t), Token: token, Status: consumer.StatusDead, Owner: "request-1",
		Lease: time.Date(2026, 3, 2, 20, 45, 1, 234567000, time.UTC), Round: 2, Attempts: map[string]int{"request-1": 3},
		Closed: true, Reason: "the reason", Buried: true,
	}
}

func event(t *testing.T, n int) events.Event {
	t.Helper()
	return events.Event{
		ID: fmt.Sprintf("%s-%d", t.Name(), n), CorrelationID: "correlation", CausationID: "causation", SchemaVersion: events.SchemaVersion,
		Timestamp: time.Date(2026, 3, 2, 20, 45, n, 123456000, time.UTC), SourceModule: "strategy", SourceComponent: "test",
		Metadata: map[string]string{}, Payload: events.WorkflowStarted{PortfolioID: "main", TradingDate: "2026-03-02"},
	}
}
