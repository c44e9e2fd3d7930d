package dynamodb

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/expr"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// WriteInput is the input of PutItem, UpdateItem, DeleteItem and of the actions of a transaction.
type WriteInput struct {
	TableName                           string
	Item                                attr.Item
	Key                                 attr.Item
	UpdateExpression                    *string `json:",omitempty"`
	ConditionExpression                 *string `json:",omitempty"`
	ExpressionAttributeNames            map[string]string
	ExpressionAttributeValues           map[string]attr.Value
	ReturnValues                        string
	ReturnValuesOnConditionCheckFailure string
	ReturnConsumedCapacity              string
	ReturnItemCollectionMetrics         string
	legacyWrite
}

// legacyWrite are the parameters from before expressions.
type legacyWrite struct {
	Expected            json.RawMessage
	AttributeUpdates    json.RawMessage
	ConditionalOperator json.RawMessage
}

func (l legacyWrite) refuse() error {
	return refuseLegacy(map[string]json.RawMessage{
		"Expected": l.Expected, "AttributeUpdates": l.AttributeUpdates, "ConditionalOperator": l.ConditionalOperator,
	})
}

func refuseLegacy(parameters map[string]json.RawMessage) error {
	for name, raw := range parameters {
		if len(raw) > 0 && string(raw) != "null" {
			return attr.Invalidf("%s is not supported by this endpoint: use expressions", name)
		}
	}
	return nil
}

// WriteOutput holds the attributes that ReturnValues asks for.
type WriteOutput struct {
	Attributes            attr.Item       `json:",omitempty"`
	ConsumedCapacity      *Consumed       `json:",omitempty"`
	ItemCollectionMetrics *ItemCollection `json:",omitempty"`
}

type verb int

const (
	put verb = iota
	update
	remove
	check
)

// write is one change of one item, ready to be carried out.
type write struct {
	verb      verb
	table     record
	row       string
	key       attr.Item
	item      attr.Item
	update    *expr.Update
	condition expr.Condition
	// explain says whether a failed condition shows the item.
	explain bool
}

// prepare checks a request as far as that is possible without the item.
func (s *Service) prepare(v verb, in WriteInput) (w write, err error) {
	if err := in.check(v); err != nil {
		return w, err
	}
	w = write{verb: v, key: in.Key, item: in.Item, explain: in.ReturnValuesOnConditionCheckFailure == "ALL_OLD"}
	if w.update, w.condition, err = in.parse(v); err != nil {
		return w, err
	}
	if w.table, err = s.table(in.TableName); err != nil {
		return w, err
	}
	if v == put {
		if w.row, err = w.table.row(in.Item); err != nil {
			return w, err
		}
		if in.Item.Size() > maxItem {
			return w, attr.Invalidf("Item size has exceeded the maximum allowed size")
		}
		return w, w.table.checkIndexed(in.Item)
	}
	if w.row, err = w.table.keyRow(in.Key); err != nil || w.update == nil {
		return w, err
	}
	for _, path := range w.update.Paths() {
		if isKey(w.table.Keys, path[0].Name) {
			return w, attr.Invalidf("One or more parameter values were invalid: Cannot update attribute %s. This attribute is "+
				"part of the key", path[0].Name)
		}
	}
	return w, nil
}

// check refuses what is wrong whatever the table is.
func (in WriteInput) check(v verb) error {
	missing := func(member string) error { return constraint("null", member, "not be null") }
	switch {
	case v == put && in.Item == nil:
		return missing("item")
	case v != put && in.Key == nil:
		return missing("key")
	}
	for _, err := range []error{
		in.refuse(),
		checkEnum(in.ReturnValues, "returnValues", "ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"),
		checkEnum(in.ReturnValuesOnConditionCheckFailure, "returnValuesOnConditionCheckFailure", "ALL_OLD", "NONE"),
		checkCollectionMetrics(in.ReturnItemCollectionMetrics),
	} {
		if err != nil {
			return err
		}
	}
	if v != update && in.ReturnValues != "" && in.ReturnValues != "ALL_OLD" && in.ReturnValues != "NONE" {
		return attr.Invalidf("ReturnValues can only be ALL_OLD or NONE")
	}
	return nil
}

// parse reads the expressions of a write; one that is not there is nil.
func (in WriteInput) parse(v verb) (u *expr.Update, c expr.Condition, err error) {
	if in.ConditionExpression == nil && in.UpdateExpression == nil {
		null := "ConditionExpression is null"
		if v == update {
			null = "UpdateExpression and ConditionExpression are null"
		}
		return nil, nil, noPlaceholders(in.ExpressionAttributeNames, in.ExpressionAttributeValues, null)
	}
	env, err := expr.NewEnv(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return nil, nil, err
	}
	if in.UpdateExpression != nil {
		if u, err = expr.ParseUpdate(*in.UpdateExpression, env); err != nil {
			return nil, nil, err
		}
	}
	if in.ConditionExpression != nil {
		if c, err = expr.ParseCondition(expr.ConditionExpression, *in.ConditionExpression, env); err != nil {
			return nil, nil, err
		}
	}
	return u, c, env.Unused()
}

// noPlaceholders refuses placeholders where there is no expression; null says which are missing.
func noPlaceholders(names map[string]string, values map[string]attr.Value, null string) error {
	if names != nil {
		return attr.Invalidf("ExpressionAttributeNames can only be specified when using expressions")
	}
	if values != nil {
		return attr.Invalidf("ExpressionAttributeValues can only be specified when using expressions: %s", null)
	}
	return nil
}

// conditionError is a condition that does not hold for the item.
type conditionError struct{ item attr.Item }

// Error names the condition.
func (*conditionError) Error() string { return "The conditional request failed" }

// outcome returns the item as it is after the write, nil if it is gone. It changes nothing.
func (w write) outcome(old attr.Item) (attr.Item, error) {
	if w.condition != nil && !w.condition.Holds(old) {
		failed := &conditionError{}
		if w.explain {
			failed.item = old
		}
		return nil, failed
	}
	switch w.verb {
	case put:
		return w.item, nil
	case remove:
		return nil, nil
	case check:
		return old, nil
	case update:
	}
	before := old
	if before == nil {
		before = w.key
	}
	if w.update == nil {
		return before, nil
	}
	next, err := w.update.Apply(before)
	if err != nil {
		return nil, err
	}
	if next.Size() > maxItem {
		return nil, attr.Invalidf("Item size to update has exceeded the maximum allowed size")
	}
	return next, w.table.checkIndexed(next)
}

// replaceTx writes the item, its rows in indexes and its time to live. A nil old did not exist, a nil next will not.
func (s *Service) replaceTx(tx *state.Tx, rec record, row string, old, next attr.Item) {
	if key, ok := expiryKey(rec, row, old); ok {
		s.expiry.DeleteTx(tx, key)
	}
	s.indexTx(tx, rec, row, old, next)
	if next == nil {
		s.items.DeleteTx(tx, row)
		return
	}
	s.items.PutTx(tx, row, next)
	if key, ok := expiryKey(rec, row, next); ok {
		s.expiry.PutTx(tx, key, expiring{rec.Name, row})
	}
}

// do carries out one write and returns the item before and after.
func (s *Service) do(w write) (old, next attr.Item, err error) {
	defer s.lock(w.row)()
	if w.table, err = s.current(w.table); err != nil {
		return nil, nil, err
	}
	old, _, err = s.items.Get(w.row)
	if err != nil {
		return nil, nil, err
	}
	next, err = w.outcome(old)
	if err != nil {
		s.measureRefusal(w.table, err)
		return old, nil, refusal(err)
	}
	if old == nil && next == nil {
		return nil, nil, nil
	}
	return old, next, s.cfg.Store.Update(func(tx *state.Tx) error {
		s.replaceTx(tx, w.table, w.row, old, next)
		return nil
	})
}

// measureRefusal counts a failed condition.
func (s *Service) measureRefusal(table record, err error) {
	var failed *conditionError
	if errors.As(err, &failed) {
		s.measure(table, nil, "ConditionalCheckFailedRequests", 1)
	}
}

// refusal turns a failed condition into the answer to a single write.
func refusal(err error) error {
	failed, ok := err.(*conditionError) //nolint:errorlint // outcome does not wrap it
	if !ok {
		return err
	}
	e := wire.Errorf("ConditionalCheckFailedException", "%s", failed.Error())
	if failed.item != nil {
		e.Members = map[string]any{"Item": failed.item}
	}
	return e
}

func (s *Service) putItem(_ context.Context, in WriteInput) (out WriteOutput, err error) {
	return s.putOrDelete(put, in)
}

func (s *Service) deleteItem(_ context.Context, in WriteInput) (out WriteOutput, err error) {
	return s.putOrDelete(remove, in)
}

func (s *Service) putOrDelete(v verb, in WriteInput) (out WriteOutput, err error) {
	old, _, _, err := s.single(v, in, &out)
	if err == nil && in.ReturnValues == "ALL_OLD" {
		out.Attributes = old
	}
	return out, err
}

func (s *Service) updateItem(_ context.Context, in WriteInput) (out WriteOutput, err error) {
	old, next, w, err := s.single(update, in, &out)
	if err != nil {
		return out, err
	}
	var touched []expr.Path
	if w.update != nil {
		touched = w.update.Paths()
	}
	switch in.ReturnValues {
	case "ALL_OLD":
		out.Attributes = old
	case "ALL_NEW":
		out.Attributes = next
	case "UPDATED_OLD":
		out.Attributes = expr.Project(old, touched)
	case "UPDATED_NEW":
		out.Attributes = expr.Project(next, touched)
	}
	return out, nil
}

// single carries out a request for one write and notes in out what it cost.
func (s *Service) single(v verb, in WriteInput, out *WriteOutput) (old, next attr.Item, w write, err error) {
	m, err := s.newMeter(in.ReturnConsumedCapacity)
	if err != nil {
		return nil, nil, w, err
	}
	if w, err = s.prepare(v, in); err != nil {
		return nil, nil, w, err
	}
	if old, next, err = s.do(w); err != nil {
		return nil, nil, w, err
	}
	m.write(w.table, old, next, 1)
	out.ConsumedCapacity, out.ItemCollectionMetrics = m.one(), w.collection(in.ReturnItemCollectionMetrics)
	return old, next, w, nil
}
