package secret

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// keysLife is how long keys are used before they are read again, so that changed keys come into use.
const keysLife = 5 * time.Minute

// Keys are the broker's API keys in an SSM parameter, the JSON {"key_id": "…", "secret_key": "…"}. It is safe for
// concurrent use.
type Keys struct {
	client Client
	name   string
	now    func() time.Time

	mu     sync.Mutex
	pair   pair
	readAt time.Time
}

type pair struct {
	KeyID     string `json:"key_id"`
	SecretKey string `json:"secret_key"`
}

// NewKeys returns the keys in the parameter name; now is the clock by which they age.
func NewKeys(client Client, name string, now func() time.Time) (*Keys, error) {
	if client == nil || name == "" || now == nil {
		return nil, errors.New("secret: client, parameter name and clock are required")
	}
	return &Keys{client: client, name: name, now: now}, nil
}

// Credentials returns the keys. They are read at the first call and again every five minutes.
func (k *Keys) Credentials(ctx context.Context) (keyID, secretKey string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if k.readAt.IsZero() || now.Sub(k.readAt) >= keysLife {
		value, err := read(ctx, k.client, k.name, `--type SecureString --value '{"key_id": "…", "secret_key": "…"}'`)
		if err != nil {
			return "", "", err
		}
		var p pair
		// The decoder's error may quote the value.
		if json.Unmarshal([]byte(value), &p) != nil || p.KeyID == "" || p.SecretKey == "" {
			return "", "", fault.New(fault.Internal, `SSM parameter %s: want the JSON {"key_id": "…", "secret_key": "…"}`, k.name)
		}
		k.pair, k.readAt = p, now
	}
	return k.pair.KeyID, k.pair.SecretKey, nil
}
