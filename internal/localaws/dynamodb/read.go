package dynamodb

import (
	"context"
	"encoding/json"

	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/expr"
)

// ReadInput is the input of GetItem, Query and Scan, and of the reads in batches and transactions.
type ReadInput struct {
	TableName                 string
	IndexName                 string
	Key                       attr.Item
	ConsistentRead            bool
	ProjectionExpression      *string
	KeyConditionExpression    *string
	FilterExpression          *string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]attr.Value
	ExclusiveStartKey         attr.Item
	Limit                     *int
	ScanIndexForward          *bool
	Select                    string
	Segment, TotalSegments    *int
	ReturnConsumedCapacity    string
	legacyRead
}

// legacyRead are the parameters from before expressions.
type legacyRead struct {
	AttributesToGet     json.RawMessage
	KeyConditions       json.RawMessage
	QueryFilter         json.RawMessage
	ScanFilter          json.RawMessage
	ConditionalOperator json.RawMessage
}

func (l legacyRead) refuse() error {
	return refuseLegacy(map[string]json.RawMessage{
		"AttributesToGet": l.AttributesToGet, "KeyConditions": l.KeyConditions, "QueryFilter": l.QueryFilter,
		"ScanFilter": l.ScanFilter, "ConditionalOperator": l.ConditionalOperator,
	})
}

// GetOutput holds the item, if there is one.
type GetOutput struct {
	Item             attr.Item `json:",omitempty"`
	ConsumedCapacity *Consumed `json:",omitempty"`
}

// get is a read of one item, ready to be carried out.
type get struct {
	table record
	row   string
	paths []expr.Path
}

// show returns the part of the item that was asked for.
func (g get) show(item attr.Item) attr.Item {
	if g.paths == nil || item == nil {
		return item
	}
	return expr.Project(item, g.paths)
}

func (s *Service) prepareGet(in ReadInput) (g get, err error) {
	if err := in.refuse(); err != nil {
		return g, err
	}
	if in.Key == nil {
		return g, constraint("null", "key", "not be null")
	}
	if g.paths, err = projection(in); err != nil {
		return g, err
	}
	if g.table, err = s.table(in.TableName); err != nil {
		return g, err
	}
	g.row, err = g.table.keyRow(in.Key)
	return g, err
}

// projection reads the projection of a request that has no other expression.
func projection(in ReadInput) ([]expr.Path, error) {
	if in.ProjectionExpression == nil {
		return nil, noPlaceholders(in.ExpressionAttributeNames, nil, "")
	}
	env, err := expr.NewEnv(in.ExpressionAttributeNames, nil)
	if err != nil {
		return nil, err
	}
	paths, err := expr.ParseProjection(*in.ProjectionExpression, env)
	if err != nil {
		return nil, err
	}
	return paths, env.Unused()
}

func (s *Service) getItem(_ context.Context, in ReadInput) (out GetOutput, err error) {
	m, err := s.newMeter(in.ReturnConsumedCapacity)
	if err != nil {
		return out, err
	}
	g, err := s.prepareGet(in)
	if err != nil {
		return out, err
	}
	item, _, err := s.items.Get(g.row)
	m.read(source{table: g.table}, item.Size(), readFactor(in.ConsistentRead))
	return GetOutput{Item: g.show(item), ConsumedCapacity: m.one()}, err
}
