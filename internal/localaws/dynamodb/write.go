package dynamodb

import (
	"context"
	"encoding/json"

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
	UpdateExpression                    string
	ConditionExpression                 string
	ExpressionAttributeNames            map[string]string
	ExpressionAttributeValues           map[string]attr.Value
	ReturnValues                        string
	ReturnValuesOnConditionCheckFailure string
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
	Attributes attr.Item `json:",omitempty"`
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
	if err := in.refuse(); err != nil {
		return w, err
	}
	w = write{verb: v, key: in.Key, item: in.Item, explain: in.ReturnValuesOnConditionCheckFailure == "ALL_OLD"}
	if in.ConditionExpression == "" && in.UpdateExpression == "" {
		if err := noPlaceholders(in.ExpressionAttributeNames, in.ExpressionAttributeValues); err != nil {
			return w, err
		}
	}
	env, err := expr.NewEnv(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return w, err
	}
	if in.UpdateExpression != "" {
		if w.update, err = expr.ParseUpdate(in.UpdateExpression, env); err != nil {
			return w, err
		}
	}
	if in.ConditionExpression != "" {
		if w.condition, err = expr.ParseCondition(expr.ConditionExpression, in.ConditionExpression, env); err != nil {
			return w, err
		}
	}
	if err := env.Unused(); err != nil {
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
		return w, nil
	}
	if w.row, err = w.table.keyRow(in.Key); err != nil {
		return w, err
	}
	if w.update != nil {
		for _, path := range w.update.Paths() {
			if w.table.isKey(path[0].Name) {
				return w, attr.Invalidf("One or more parameter values were invalid: Cannot update attribute %s. This attribute is "+
					"part of the key", path[0].Name)
			}
		}
	}
	return w, nil
}

func noPlaceholders(names map[string]string, values map[string]attr.Value) error {
	if names != nil {
		return attr.Invalidf("ExpressionAttributeNames can only be specified when using expressions")
	}
	if values != nil {
		return attr.Invalidf("ExpressionAttributeValues can only be specified when using expressions: " +
			"UpdateExpression and ConditionExpression are null")
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
	return next, nil
}

// replaceTx writes the item and its time to live. A nil old did not exist, a nil next will not.
func (s *Service) replaceTx(tx *state.Tx, rec record, row string, old, next attr.Item) {
	if key, ok := expiryKey(rec, row, old); ok {
		s.expiry.DeleteTx(tx, key)
	}
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
	old, _, err = s.items.Get(w.row)
	if err != nil {
		return nil, nil, err
	}
	next, err = w.outcome(old)
	if err != nil {
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
	switch in.ReturnValues {
	case "", "NONE", "ALL_OLD":
	default:
		return out, attr.Invalidf("ReturnValues can only be ALL_OLD or NONE")
	}
	w, err := s.prepare(v, in)
	if err != nil {
		return out, err
	}
	old, _, err := s.do(w)
	if err == nil && in.ReturnValues == "ALL_OLD" {
		out.Attributes = old
	}
	return out, err
}

func (s *Service) updateItem(_ context.Context, in WriteInput) (out WriteOutput, err error) {
	w, err := s.prepare(update, in)
	if err != nil {
		return out, err
	}
	old, next, err := s.do(w)
	if err != nil {
		return out, err
	}
	var touched []expr.Path
	if w.update != nil {
		touched = w.update.Paths()
	}
	switch in.ReturnValues {
	case "", "NONE":
	case "ALL_OLD":
		out.Attributes = old
	case "ALL_NEW":
		out.Attributes = next
	case "UPDATED_OLD":
		out.Attributes = expr.Project(old, touched)
	case "UPDATED_NEW":
		out.Attributes = expr.Project(next, touched)
	default:
		return out, attr.Invalidf("1 validation error detected: Value '%s' at 'returnValues' failed to satisfy constraint: "+
			"Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]", in.ReturnValues)
	}
	return out, nil
}
