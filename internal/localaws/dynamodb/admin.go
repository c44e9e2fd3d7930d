package dynamodb

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// TableInput names a table; the other inputs and outputs carry the member names of the API, too.
type TableInput struct{ TableName string }

// TableSettings are what CreateTable and UpdateTable have in common.
type TableSettings struct {
	TableName                   string
	AttributeDefinitions        []Definition
	BillingMode                 string
	ProvisionedThroughput       *Throughput
	SSESpecification            *SSE
	DeletionProtectionEnabled   *bool
	TableClass                  string
	StreamSpecification         *struct{ StreamEnabled bool }
	GlobalSecondaryIndexUpdates []IndexUpdate
	ReplicaUpdates              []json.RawMessage
	WarmThroughput              *Warmth
	OnDemandThroughput          json.RawMessage
}

// CreateTableInput describes a new table.
type CreateTableInput struct {
	TableSettings
	KeySchema              []KeyElement
	GlobalSecondaryIndexes []IndexSettings
	LocalSecondaryIndexes  []IndexSettings
	Tags                   []Tag
}

// DescriptionOutput answers changes of a table.
type DescriptionOutput struct{ TableDescription TableDescription }

// DescribeOutput answers the question.
type DescribeOutput struct{ Table TableDescription }

var validTableName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

func (s *Service) createTable(_ context.Context, in CreateTableInput) (out DescriptionOutput, err error) {
	name := tableName(in.TableName)
	if !validTableName.MatchString(name) {
		return out, attr.Invalidf("TableName must be at least 3 characters long and at most 255 characters long, and may " +
			"contain only the characters a-z, A-Z, 0-9, '_', '-', and '.'")
	}
	if err := checkKeys(in.KeySchema); err != nil {
		return out, err
	}
	rec := record{
		ID: uuid.NewString(), Name: name, Keys: in.KeySchema, Attributes: in.AttributeDefinitions, Tags: in.Tags,
		Created: s.cfg.Clock.Now(),
	}
	if in.BillingMode == "" {
		in.BillingMode = "PROVISIONED"
	}
	if err := rec.apply(in.TableSettings); err != nil {
		return out, err
	}
	if err := rec.addIndexes(in.LocalSecondaryIndexes, in.GlobalSecondaryIndexes); err != nil {
		return out, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.tables[name]; ok {
		return out, wire.Errorf("ResourceInUseException", "Table already exists: %s", name)
	}
	if err := s.records.Put(name, rec); err != nil {
		return out, err
	}
	s.tables[name] = rec
	return DescriptionOutput{rec.describeNew()}, nil
}

func checkKeys(keys []KeyElement) error {
	if len(keys) == 0 || len(keys) > 2 || keys[0].KeyType != "HASH" || len(keys) == 2 && keys[1].KeyType != "RANGE" {
		return attr.Invalidf("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	}
	if len(keys) == 2 && keys[0].AttributeName == keys[1].AttributeName {
		return attr.Invalidf("Both the Hash Key and the Range Key element in the KeySchema have the same name")
	}
	return nil
}

// apply changes the record by the settings that are given.
func (r *record) apply(in TableSettings) error {
	if in.StreamSpecification != nil && in.StreamSpecification.StreamEnabled {
		return attr.Invalidf("Streams are not supported by this endpoint")
	}
	if len(in.ReplicaUpdates) > 0 {
		return attr.Invalidf("Global tables are not supported by this endpoint")
	}
	if len(in.OnDemandThroughput) > 0 {
		return attr.Invalidf("OnDemandThroughput is not supported by this endpoint")
	}
	switch in.BillingMode {
	case "PAY_PER_REQUEST":
		if in.ProvisionedThroughput != nil && *in.ProvisionedThroughput != (Throughput{}) {
			return attr.Invalidf("One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits " +
				"can be specified when BillingMode is PAY_PER_REQUEST")
		}
		r.OnDemand, r.Throughput = true, Throughput{}
	case "PROVISIONED":
		if in.ProvisionedThroughput == nil {
			return attr.Invalidf("One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both " +
				"be specified when BillingMode is PROVISIONED")
		}
		r.OnDemand = false
	case "":
	default:
		return attr.Invalidf("1 validation error detected: Value '%s' at 'billingMode' failed to satisfy constraint: Member "+
			"must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]", in.BillingMode)
	}
	if in.ProvisionedThroughput != nil && !r.OnDemand {
		r.Throughput = *in.ProvisionedThroughput
	}
	if in.WarmThroughput != nil {
		r.Warm = in.WarmThroughput
	}
	if in.SSESpecification != nil {
		r.SSE = *in.SSESpecification
	}
	if in.DeletionProtectionEnabled != nil {
		r.Protected = *in.DeletionProtectionEnabled
	}
	if in.TableClass != "" {
		r.Class = in.TableClass
	}
	return nil
}

func (s *Service) describeTable(_ context.Context, in TableInput) (out DescribeOutput, err error) {
	rec, err := s.described(in.TableName)
	if err != nil {
		return out, err
	}
	out.Table = rec.describe("ACTIVE")
	for _, summary := range slices.Concat(out.Table.GlobalSecondaryIndexes, out.Table.LocalSecondaryIndexes) {
		err := s.indexed.Scan(index{Name: summary.IndexName}.rows(rec), "", func(_ string, item attr.Item) bool {
			summary.ItemCount++
			summary.IndexSizeBytes += int64(item.Size())
			return true
		})
		if err != nil {
			return out, err
		}
	}
	err = s.items.Scan(rec.rows(), "", func(_ string, item attr.Item) bool {
		out.Table.ItemCount++
		out.Table.TableSizeBytes += int64(item.Size())
		return true
	})
	return out, err
}

func (s *Service) updateTable(_ context.Context, in TableSettings) (out DescriptionOutput, err error) {
	encrypted := false
	rec, err := s.change(in.TableName, func(rec *record) error {
		encrypted = rec.SSE.Enabled
		return rec.apply(in)
	})
	if err == nil && len(in.GlobalSecondaryIndexUpdates) > 0 {
		if err = s.changeIndexes(in.TableName, in); err == nil {
			rec, err = s.described(in.TableName)
		}
	}
	out.TableDescription = rec.describe("UPDATING")
	if encrypted && !rec.SSE.Enabled {
		out.TableDescription.SSEDescription = rec.SSE.describe("UPDATING")
	}
	return out, err
}

// change stores a new version of the record of a table.
func (s *Service) change(name string, f func(rec *record) error) (record, error) {
	if _, err := s.described(name); err != nil {
		return record{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rec, ok := s.tables[tableName(name)]
	if !ok {
		return rec, errNoTable()
	}
	if err := f(&rec); err != nil {
		return rec, err
	}
	if err := s.records.Put(rec.Name, rec); err != nil {
		return rec, err
	}
	s.tables[rec.Name] = rec
	return rec, nil
}

func (s *Service) deleteTable(_ context.Context, in TableInput) (out DescriptionOutput, err error) {
	rec, err := s.described(in.TableName)
	if err != nil {
		return out, err
	}
	if rec.Protected {
		return out, attr.Invalidf("Resource cannot be deleted as it is currently protected against deletion. Disable deletion "+
			"protection first: %s", rec.arn())
	}
	if err := s.forget(rec); err != nil {
		return out, err
	}
	out.TableDescription = rec.describe("DELETING")
	return out, s.dropRows(rec)
}

// forget removes a table and notes that its rows are to be dropped. Nothing is written to it afterwards.
func (s *Service) forget(rec record) error {
	defer s.lockAll()()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tables[rec.Name].ID != rec.ID {
		return errNoTable()
	}
	err := s.cfg.Store.Update(func(tx *state.Tx) error {
		s.records.DeleteTx(tx, rec.Name)
		s.dropped.PutTx(tx, rec.ID, rec)
		return nil
	})
	if err == nil {
		delete(s.tables, rec.Name)
	}
	return err
}

// dropLeft drops the rows of tables whose deletion a crash has cut short.
func (s *Service) dropLeft() error {
	var left []record
	err := s.dropped.Scan("", "", func(_ string, rec record) bool {
		left = append(left, rec)
		return true
	})
	for _, rec := range left {
		err = errors.Join(err, s.dropRows(rec))
	}
	return err
}

// dropRows deletes the rows of a table that is gone already. Those of times to live go when their time comes.
func (s *Service) dropRows(rec record) error {
	return errors.Join(s.drop(s.items, rec.rows()), s.drop(s.indexed, rec.rows()), s.dropped.Delete(rec.ID))
}

// ListTablesInput asks for a page of names.
type ListTablesInput struct {
	ExclusiveStartTableName string
	Limit                   int
}

// ListTablesOutput is a page of names.
type ListTablesOutput struct {
	TableNames             []string
	LastEvaluatedTableName string `json:",omitempty"`
}

func (s *Service) listTables(_ context.Context, in ListTablesInput) (ListTablesOutput, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	limit := in.Limit
	if limit <= 0 || limit > 100 {
		limit = 100
	}
	out := ListTablesOutput{TableNames: []string{}}
	for _, name := range slices.Sorted(maps.Keys(s.tables)) {
		if name <= in.ExclusiveStartTableName {
			continue
		}
		if len(out.TableNames) == limit {
			out.LastEvaluatedTableName = out.TableNames[limit-1]
			break
		}
		out.TableNames = append(out.TableNames, name)
	}
	return out, nil
}
