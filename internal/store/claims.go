package store

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

type claimItem struct {
	primary
	Function string          `dynamodbav:"function"`
	EventID  string          `dynamodbav:"event_id"`
	Token    string          `dynamodbav:"token"`
	Status   consumer.Status `dynamodbav:"status"`
	Owner    string          `dynamodbav:"owner"`
	Lease    time.Time       `dynamodbav:"lease"`
	Round    int             `dynamodbav:"round"`
	Attempts map[string]int  `dynamodbav:"attempts"`
	Closed   bool            `dynamodbav:"closed"`
	Reason   string          `dynamodbav:"reason,omitempty"`
	Buried   bool            `dynamodbav:"buried"`
	TTL      int64           `dynamodbav:"ttl"`
}

type outboxItem struct {
	primary
	Number     int    `dynamodbav:"number"`
	DetailType string `dynamodbav:"detail_type"`
	Detail     string `dynamodbav:"detail"`
	TTL        int64  `dynamodbav:"ttl"`
}

func claimPrimary(k consumer.Key) primary {
	return primary{PK: join("CLAIM", k.Function, k.EventID), SK: "CLAIM"}
}

func newClaimItem(c consumer.Claim, ttl int64) claimItem {
	return claimItem{
		primary: claimPrimary(c.Key), Function: c.Function, EventID: c.EventID, Token: c.Token, Status: c.Status,
		Owner: c.Owner, Lease: c.Lease.UTC(), Round: c.Round, Attempts: c.Attempts, Closed: c.Closed, Reason: c.Reason,
		Buried: c.Buried, TTL: ttl,
	}
}

func (i claimItem) claim() consumer.Claim {
	return consumer.Claim{
		Key: consumer.Key{Function: i.Function, EventID: i.EventID}, Token: i.Token, Status: i.Status,
		Owner: i.Owner, Lease: i.Lease, Round: i.Round, Attempts: i.Attempts, Closed: i.Closed, Reason: i.Reason, Buried: i.Buried,
	}
}

// Get implements consumer.Claims.
func (s *Store) Get(ctx context.Context, key consumer.Key) (c consumer.Claim, found bool, err error) {
	item, found, err := get[claimItem](ctx, s, claimPrimary(key))
	return item.claim(), found, err
}

// Swap implements consumer.Claims. With an outbox it is one transaction of the claim's conditional write and the events.
func (s *Store) Swap(ctx context.Context, prev string, next consumer.Claim, outbox []events.Event) (consumer.Claim, error) {
	must := absent()
	if prev != "" {
		must = unchanged("token", text(prev))
	}
	ttl := s.cfg.Now().Add(claimLife).Unix()
	item := newClaimItem(next, ttl)
	follow := make([]attributes, len(outbox))
	for n, e := range outbox {
		var err error
		if follow[n], err = newOutboxItem(item, n, e); err != nil {
			return consumer.Claim{}, err
		}
	}
	done, stored, err := put(ctx, s, item.primary, item, must, follow...)
	switch {
	case err != nil:
		return consumer.Claim{}, err
	case done:
		return next, nil
	case stored == nil:
		return consumer.Claim{}, nil
	default:
		return stored.claim(), nil
	}
}

// newOutboxItem returns e as an item beside its claim.
func newOutboxItem(claim claimItem, number int, e events.Event) (attributes, error) {
	wire, err := events.Encode(e, "outbox") // the source is made anew when the event is published
	if err != nil {
		return nil, err
	}
	return encode(outboxItem{
		primary: primary{PK: claim.PK, SK: "OUT#" + strconv.Itoa(number)}, Number: number,
		DetailType: wire.DetailType, Detail: string(wire.Detail), TTL: claim.TTL,
	})
}

// Outbox implements consumer.Claims.
func (s *Store) Outbox(ctx context.Context, key consumer.Key) ([]events.Event, error) {
	items, err := list[outboxItem](ctx, s, primary{PK: claimPrimary(key).PK, SK: "OUT#"})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(items, func(a, b outboxItem) int { return a.Number - b.Number }) // OUT#10 stands before OUT#2
	es := make([]events.Event, 0, len(items))
	for _, item := range items {
		e, err := events.Decode(item.DetailType, []byte(item.Detail))
		if err != nil {
			return nil, fault.New(fault.Internal, "read %s|%s: %w", item.PK, item.SK, err)
		}
		es = append(es, e)
	}
	return es, nil
}
