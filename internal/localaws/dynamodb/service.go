// Package dynamodb is Amazon DynamoDB: tables with a primary key and secondary indexes, items, the expression language,
// transactions and time to live.
//
// It does not do streams, PartiQL, backups, global tables and the parameters from before expressions; requests for them
// are refused. Capacity is reported and not limited.
//
// API: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/Welcome.html
package dynamodb

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"sync"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
	"github.com/the-alchemiser/alchemiser/internal/localaws/metrics"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Config is what the service needs.
type Config struct {
	Store *state.Store
	Clock *clock.Clock
	// Metrics counts what requests cost and how they end; without it nothing does.
	Metrics metrics.Sink
}

// Service is DynamoDB. It is safe for concurrent use.
type Service struct {
	cfg     Config
	records state.Table[record]
	items   state.Table[attr.Item]
	// indexed holds the rows of the secondary indexes.
	indexed state.Table[attr.Item]
	// dropped holds the tables that are gone and may have left items.
	dropped state.Table[record]
	// expiry holds one row per item with a time to live, in the order of those times.
	expiry state.Table[expiring]
	tokens state.Table[token]

	mu     sync.RWMutex
	tables map[string]record
	// stripes guard items between read and commit, each item by the stripe that its key falls on.
	stripes [256]sync.Mutex
}

// New returns the service with the tables that the store holds.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil {
		return nil, errors.New("dynamodb: store and clock are required")
	}
	s := &Service{
		cfg:     cfg,
		records: state.NewTable[record](cfg.Store, "dynamodb.tables"),
		items:   state.NewTable[attr.Item](cfg.Store, "dynamodb.items"),
		indexed: state.NewTable[attr.Item](cfg.Store, "dynamodb.indexes"),
		dropped: state.NewTable[record](cfg.Store, "dynamodb.dropped"),
		expiry:  state.NewTable[expiring](cfg.Store, "dynamodb.expiry"),
		tokens:  state.NewTable[token](cfg.Store, "dynamodb.tokens"),
		tables:  map[string]record{},
	}
	err := s.records.Scan("", "", func(name string, rec record) bool {
		s.tables[name] = rec
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("load tables: %w", err)
	}
	return s, s.dropLeft()
}

// Inventory returns the ARNs of all tables.
func (s *Service) Inventory() ([]string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var arns []string
	for _, name := range slices.Sorted(maps.Keys(s.tables)) {
		arns = append(arns, s.tables[name].arn())
	}
	return arns, nil
}

// lockAll takes all stripes and returns how to release them.
func (s *Service) lockAll() (unlock func()) {
	for i := range s.stripes {
		s.stripes[i].Lock()
	}
	return func() {
		for i := range s.stripes {
			s.stripes[i].Unlock()
		}
	}
}

// lock takes the stripes of the keys, each once and in order, and returns how to release them.
func (s *Service) lock(keys ...string) (unlock func()) {
	var stripes []int
	for _, key := range keys {
		stripes = append(stripes, int(hash(key))%len(s.stripes))
	}
	slices.Sort(stripes)
	stripes = slices.Compact(stripes)
	for _, i := range stripes {
		s.stripes[i].Lock()
	}
	return func() {
		for _, i := range stripes {
			s.stripes[i].Unlock()
		}
	}
}

func hash(key string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // a hash never fails to write
	return h.Sum32()
}

// API returns the operations of DynamoDB.
func (s *Service) API() wire.Service {
	return wire.Service{
		Name: "dynamodb", Protocol: wire.JSON10, Target: "DynamoDB_20120810",
		Access: s.access,
		Gaps: []string{
			"There are no streams, PartiQL, backups, global tables and parameters from before expressions.",
			"Capacity is reported and not limited: nothing is throttled but by an injected fault.",
			"A new index is complete when UpdateTable is answered, and global indexes are never stale.",
		},
		Operations: []wire.Operation{
			wire.Op("CreateTable", s.createTable),
			wire.Op("DescribeTable", s.describeTable),
			wire.Op("UpdateTable", s.updateTable),
			wire.Op("DeleteTable", s.deleteTable),
			wire.Op("ListTables", s.listTables),
			wire.Op("DescribeTimeToLive", s.describeTTL),
			wire.Op("UpdateTimeToLive", s.updateTTL),
			wire.Op("DescribeContinuousBackups", s.describeBackups),
			wire.Op("UpdateContinuousBackups", s.updateBackups),
			wire.Op("ListTagsOfResource", s.listTags),
			wire.Op("TagResource", s.tag),
			wire.Op("UntagResource", s.untag),
			wire.Op("GetItem", s.getItem),
			wire.Op("PutItem", s.putItem),
			wire.Op("UpdateItem", s.updateItem),
			wire.Op("DeleteItem", s.deleteItem),
			wire.Op("Query", s.query),
			wire.Op("Scan", s.scan),
			wire.Op("BatchGetItem", s.batchGet),
			wire.Op("BatchWriteItem", s.batchWrite),
			wire.Op("TransactGetItems", s.transactGet),
			wire.Op("TransactWriteItems", s.transactWrite),
		},
	}
}

// errNoTable is what operations on items say when the table does not exist.
func errNoTable() *wire.Error {
	return wire.Errorf("ResourceNotFoundException", "Requested resource not found")
}
