package store

import (
	"context"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/fingerprint"
	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/market"
)

// fingerprintLife is how long fingerprints stay: a migration compares days, not months.
const fingerprintLife = 30 * 24 * time.Hour

type fingerprintItem struct {
	primary
	Side          fingerprint.Side `dynamodbav:"side"`
	EventID       string           `dynamodbav:"event_id"`
	Type          events.Type      `dynamodbav:"event_type"`
	CorrelationID string           `dynamodbav:"correlation_id"`
	CausationID   string           `dynamodbav:"causation_id"`
	Day           market.Date      `dynamodbav:"day"`
	Fingerprint   string           `dynamodbav:"fingerprint"`
	Function      string           `dynamodbav:"function,omitempty"`
	RequestID     string           `dynamodbav:"request_id,omitempty"`
	At            time.Time        `dynamodbav:"at"`
	TookNanos     int64            `dynamodbav:"took_ns"`
	TTL           int64            `dynamodbav:"ttl"`
}

func fingerprintsOf(day market.Date) string { return join("FP", string(day)) }

// PutFingerprint implements fingerprint.Log. A publication stands under side#event, a delivery under
// side#event#function#request.
func (s *Store) PutFingerprint(ctx context.Context, r fingerprint.Record) error {
	key := primary{PK: fingerprintsOf(r.Day), SK: join(string(r.Side), r.EventID)}
	if r.Function != "" {
		key.SK = join(string(r.Side), r.EventID, r.Function, r.RequestID)
	}
	return s.replace(ctx, key, fingerprintItem{
		primary: key, Side: r.Side, EventID: r.EventID, Type: r.Type, CorrelationID: r.CorrelationID, CausationID: r.CausationID,
		Day: r.Day, Fingerprint: r.Fingerprint, Function: r.Function, RequestID: r.RequestID, At: r.At.UTC(),
		TookNanos: r.Took.Nanoseconds(), TTL: s.cfg.Now().Add(fingerprintLife).Unix(),
	})
}

// Fingerprints implements fingerprint.Log.
func (s *Store) Fingerprints(ctx context.Context, day market.Date) ([]fingerprint.Record, error) {
	var records []fingerprint.Record
	for _, side := range []fingerprint.Side{fingerprint.Memory, fingerprint.EventBridge} {
		items, err := list[fingerprintItem](ctx, s, primary{PK: fingerprintsOf(day), SK: join(string(side), "")})
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			records = append(records, item.record())
		}
	}
	return records, nil
}

func (i fingerprintItem) record() fingerprint.Record {
	return fingerprint.Record{
		Side: i.Side, EventID: i.EventID, Type: i.Type, CorrelationID: i.CorrelationID, CausationID: i.CausationID,
		Day: i.Day, Fingerprint: i.Fingerprint, Function: i.Function, RequestID: i.RequestID, At: i.At,
		Took: time.Duration(i.TookNanos),
	}
}
