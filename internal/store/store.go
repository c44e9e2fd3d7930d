// Package store keeps the state of all functions in one DynamoDB table: claims and outbox, runs, plans, the ledger of
// orders and fills, timelines and workflows, the fingerprints of dual runs. The keys are those of DESIGN chapter 12.
//
// What guards something is written by conditional writes only, and every read is consistent. A write whose reply was
// lost is recognised by what it has stored. Money is stored as text. Claims with
// their outbox and fingerprints expire; nothing else does.
//
// It decides nothing: what a claim, an order or a workflow may become is said by the domains whose ports it implements,
// and restated here only where a condition has to hold it.
package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/the-alchemiser/alchemiser/internal/awsclient"
	"github.com/the-alchemiser/alchemiser/internal/consumer"
	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/internal/fingerprint"
	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/internal/strategy"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

var (
	_ consumer.Claims   = (*Store)(nil)
	_ strategy.Runs     = (*Store)(nil)
	_ execution.Ledger  = (*Store)(nil)
	_ execution.Plans   = (*Store)(nil)
	_ monitor.Timeline  = (*Store)(nil)
	_ monitor.Workflows = (*Store)(nil)
	_ fingerprint.Log   = (*Store)(nil)
	_ Client            = (*dynamodb.Client)(nil)
)

// claimLife is how long claims and outbox items stay after their last write. Duplicates and redrives come within it: a
// dead letter that is older runs as if it were new, and the guards without expiry decide.
const claimLife = 7 * 24 * time.Hour

// Client is the part of the DynamoDB client that this package calls.
type Client interface {
	GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Config is what a Store needs. Every field is required.
type Config struct {
	Client Client
	Table  string
	Now    func() time.Time
}

// Store is the table. It is safe for concurrent use. Its errors carry fault.Transient if DynamoDB may answer when asked
// again, and fault.Internal if the deployment or this code is at fault.
type Store struct{ cfg Config }

// New checks cfg whole.
func New(cfg Config) (*Store, error) {
	var faults []error
	if cfg.Client == nil {
		faults = append(faults, errors.New("client is required"))
	}
	if cfg.Table == "" {
		faults = append(faults, errors.New("table is required"))
	}
	if cfg.Now == nil {
		faults = append(faults, errors.New("now is required"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("store: invalid config: %w", err)
	}
	return &Store{cfg: cfg}, nil
}

// primary is an item's primary key.
type primary struct {
	PK string `dynamodbav:"pk"`
	SK string `dynamodbav:"sk"`
}

// join makes a key of parts. Parts stay apart whatever is in them.
func join(parts ...string) string {
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(p, "%", "%25"), "#", "%23")
	}
	return strings.Join(parts, "#")
}

// translate gives the client's error its fault and says what was being done.
func translate(err error, doing string, key primary) error {
	return fault.As(awsclient.Fault(err), fmt.Errorf("%s %s|%s: %w", doing, key.PK, key.SK, err))
}
