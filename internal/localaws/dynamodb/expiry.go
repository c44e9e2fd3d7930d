package dynamodb

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
)

// expiring is a row of the index of times to live.
type expiring struct{ Table, Row string }

// expiryKey returns the row of the index for an item; ok is false if the item does not expire. Times more than five
// years ago do not count. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
func expiryKey(rec record, row string, item attr.Item) (key string, ok bool) {
	v := item[rec.TTL]
	if rec.TTL == "" || v.Type != attr.Number || v.Num.IsNegative() || v.Num.GreaterThan(decimal.New(1, 12)) {
		return "", false
	}
	return dueKey(v.Num.IntPart()) + row, true
}

func dueKey(seconds int64) string { return fmt.Sprintf("%013d/", seconds) }

// indexExpiry makes the rows of the index for the items that are there when time to live is switched on.
func (s *Service) indexExpiry(rec record) error {
	return s.each(rec, func(tx *state.Tx, row string, item attr.Item) {
		if key, ok := expiryKey(rec, row, item); ok {
			s.expiry.PutTx(tx, key, expiring{rec.Name, row})
		}
	})
}

const fiveYears = 5 * 365 * 24 * 60 * 60

// Run deletes the items whose time is up, every second, and tokens of transactions that are too old to count, until
// ctx ends. AWS takes its time, up to days; readers must not rely on either.
func (s *Service) Run(ctx context.Context) error {
	second, minute := time.NewTicker(time.Second), time.NewTicker(time.Minute)
	defer second.Stop()
	defer minute.Stop()
	for {
		moved := s.cfg.Clock.Changed()
		if err := s.expireDue(s.cfg.Clock.Now().Unix()); err != nil {
			return fmt.Errorf("expire items: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-second.C:
		case <-moved:
		case <-minute.C:
			if err := s.forgetTokens(); err != nil {
				return fmt.Errorf("forget tokens: %w", err)
			}
		}
	}
}

func (s *Service) expireDue(now int64) error {
	end := dueKey(now)
	for {
		due := map[string]expiring{}
		err := s.expiry.Scan("", dueKey(max(now-fiveYears, 0)), func(key string, e expiring) bool {
			if key < end {
				due[key] = e
			}
			return key < end && len(due) < perCommit
		})
		if err != nil || len(due) == 0 {
			return err
		}
		for key, e := range due {
			if err := s.expireItem(key, e); err != nil {
				return err
			}
		}
	}
}

// expireItem deletes one item unless it was written since with another time.
func (s *Service) expireItem(key string, e expiring) error {
	defer s.lock(e.Row)()
	item, exists, err := s.items.Get(e.Row)
	if err != nil {
		return err
	}
	rec, err := s.table(e.Table)
	if err != nil {
		return s.expiry.Delete(key) // the table is gone
	}
	if current, ok := expiryKey(rec, e.Row, item); !exists || !ok || current != key {
		return s.expiry.Delete(key)
	}
	s.measure(rec, nil, "TimeToLiveDeletedItemCount", 1)
	return s.cfg.Store.Update(func(tx *state.Tx) error {
		s.replaceTx(tx, rec, e.Row, item, nil)
		return nil
	})
}
