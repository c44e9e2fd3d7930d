package dynamodb

import (
	"context"

	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
)

// Limits of batches. A batch of reads returns at most so many bytes.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	batchBytes = 16 << 20
	maxReads   = 100
	maxWrites  = 25
)

// KeysAndAttributes asks for items of one table.
type KeysAndAttributes struct {
	Keys                     []attr.Item
	ConsistentRead           bool              `json:",omitempty"`
	ProjectionExpression     *string           `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
}

// BatchGetInput asks for up to a hundred items of any tables.
type BatchGetInput struct {
	RequestItems           map[string]KeysAndAttributes
	ReturnConsumedCapacity string
}

// BatchGetOutput holds what was found and what is to be asked for again.
type BatchGetOutput struct {
	Responses        map[string][]attr.Item
	UnprocessedKeys  map[string]KeysAndAttributes
	ConsumedCapacity []Consumed `json:",omitempty"`
}

func (s *Service) batchGet(_ context.Context, in BatchGetInput) (out BatchGetOutput, err error) {
	m, err := s.newMeter(in.ReturnConsumedCapacity)
	if err != nil {
		return out, err
	}
	out = BatchGetOutput{Responses: map[string][]attr.Item{}, UnprocessedKeys: map[string]KeysAndAttributes{}}
	type read struct {
		table string
		get   get
		key   attr.Item
	}
	var reads []read
	seen := map[string]bool{}
	for table, request := range in.RequestItems {
		if err := checkLength(len(request.Keys), maxReads, "requestItems."+table+".member.keys"); err != nil {
			return out, err
		}
		out.Responses[table] = []attr.Item{}
		for _, key := range request.Keys {
			g, err := s.prepareGet(ReadInput{
				TableName: table, Key: key, ProjectionExpression: request.ProjectionExpression,
				ExpressionAttributeNames: request.ExpressionAttributeNames,
			})
			if err != nil {
				return out, err
			}
			if seen[g.row] {
				return out, attr.Invalidf("Provided list of item keys contains duplicates")
			}
			seen[g.row] = true
			reads = append(reads, read{table, g, key})
		}
	}
	if len(reads) == 0 {
		return out, attr.Invalidf("1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member " +
			"must have length greater than or equal to 1")
	}
	if len(reads) > maxReads {
		return out, attr.Invalidf("Too many items requested for the BatchGetItem call")
	}
	size := 0
	for _, r := range reads {
		if size >= batchBytes {
			left := out.UnprocessedKeys[r.table]
			keys := append(left.Keys, r.key)
			left = in.RequestItems[r.table]
			left.Keys = keys
			out.UnprocessedKeys[r.table] = left
			continue
		}
		item, ok, err := s.items.Get(r.get.row)
		if err != nil {
			return out, err
		}
		m.read(source{table: r.get.table}, item.Size(), readFactor(in.RequestItems[r.table].ConsistentRead))
		if ok {
			size += item.Size()
			out.Responses[r.table] = append(out.Responses[r.table], r.get.show(item))
		}
	}
	out.ConsumedCapacity = m.list()
	return out, nil
}

// WriteRequest is one of put and delete.
type WriteRequest struct {
	PutRequest    *struct{ Item attr.Item }
	DeleteRequest *struct{ Key attr.Item }
}

// BatchWriteInput is up to 25 writes, each on its own.
type BatchWriteInput struct {
	RequestItems                map[string][]WriteRequest
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string
}

// BatchWriteOutput has no unprocessed items: all are written.
type BatchWriteOutput struct {
	UnprocessedItems      map[string][]WriteRequest
	ConsumedCapacity      []Consumed                  `json:",omitempty"`
	ItemCollectionMetrics map[string][]ItemCollection `json:",omitempty"`
}

func (s *Service) batchWrite(_ context.Context, in BatchWriteInput) (out BatchWriteOutput, err error) {
	m, err := s.newMeter(in.ReturnConsumedCapacity)
	if err != nil {
		return out, err
	}
	if err := checkCollectionMetrics(in.ReturnItemCollectionMetrics); err != nil {
		return out, err
	}
	out.UnprocessedItems = map[string][]WriteRequest{}
	var writes []write
	seen := map[string]bool{}
	for table, requests := range in.RequestItems {
		if err := checkLength(len(requests), maxWrites, "requestItems."+table); err != nil {
			return out, err
		}
		for _, r := range requests {
			w, err := s.prepareRequest(table, r)
			if err != nil {
				return out, err
			}
			if seen[w.row] {
				return out, attr.Invalidf("Provided list of item keys contains duplicates")
			}
			seen[w.row] = true
			writes = append(writes, w)
		}
	}
	if len(writes) == 0 {
		return out, attr.Invalidf("1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member " +
			"must have length greater than or equal to 1")
	}
	if len(writes) > maxWrites {
		return out, attr.Invalidf("Too many items requested for the BatchWriteItem call")
	}
	for _, w := range writes {
		old, next, err := s.do(w)
		if err != nil {
			return out, err
		}
		m.write(w.table, old, next, 1)
	}
	out.ConsumedCapacity, out.ItemCollectionMetrics = m.list(), collections(writes, in.ReturnItemCollectionMetrics)
	return out, nil
}

func (s *Service) prepareRequest(table string, r WriteRequest) (write, error) {
	switch {
	case r.PutRequest != nil && r.DeleteRequest == nil:
		rec, err := s.table(table)
		if err != nil {
			return write{}, err
		}
		if !rec.hasKeys(rec.Keys, r.PutRequest.Item) {
			return write{}, errKeySchema() // a single put says more
		}
		return s.prepare(put, WriteInput{TableName: table, Item: r.PutRequest.Item})
	case r.DeleteRequest != nil && r.PutRequest == nil:
		return s.prepare(remove, WriteInput{TableName: table, Key: r.DeleteRequest.Key})
	}
	return write{}, attr.Invalidf("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the " +
		"supported datatypes")
}
