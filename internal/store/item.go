package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// attributes is an item as the SDK has it.
type attributes = map[string]types.AttributeValue

// condition is what must hold for a write: an expression over the stored item, its names and its values.
type condition struct {
	expression string
	names      map[string]string
	values     attributes
}

// absent holds if there is no such item.
func absent() condition { return condition{expression: "attribute_not_exists(pk)"} }

// unchanged holds if the attribute still has the value. The name is a placeholder, as many words are reserved.
func unchanged(name string, value types.AttributeValue) condition {
	return condition{expression: "#name = :value", names: map[string]string{"#name": name}, values: attributes{":value": value}}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int) types.AttributeValue { return &types.AttributeValueMemberN{Value: fmt.Sprint(n)} }

// encode returns item, a struct with dynamodbav tags, as attributes. Decimals become text.
func encode(item any) (attributes, error) {
	m, err := attributevalue.MarshalMapWithOptions(item, func(o *attributevalue.EncoderOptions) { o.UseEncodingMarshalers = true })
	if err != nil {
		return nil, fault.New(fault.Internal, "encode %T: %w", item, err)
	}
	return m, nil
}

func decode[T any](m attributes) (T, error) {
	var item T
	err := attributevalue.UnmarshalMapWithOptions(m, &item, func(o *attributevalue.DecoderOptions) { o.UseEncodingUnmarshalers = true })
	if err != nil {
		return item, fault.New(fault.Internal, "decode %T: %w", item, err)
	}
	return item, nil
}

// get reads one item.
func get[T any](ctx context.Context, s *Store, key primary) (item T, found bool, err error) {
	out, err := s.cfg.Client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.cfg.Table, Key: attributes{"pk": text(key.PK), "sk": text(key.SK)}, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return item, false, translate(err, "get", key)
	}
	if len(out.Item) == 0 {
		return item, false, nil
	}
	item, err = decode[T](out.Item)
	return item, err == nil, err
}

// put stores item if the condition holds, and together with it, in one transaction, others. If it does not hold, nothing is
// stored and put returns the stored item: nil if there is none.
func put[T any](ctx context.Context, s *Store, key primary, item T, must condition, others ...attributes) (done bool, stored *T, err error) {
	m, err := encode(item)
	if err != nil {
		return false, nil, err
	}
	if len(others) > 0 {
		return transact[T](ctx, s, key, m, must, others)
	}
	_, err = s.cfg.Client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.cfg.Table, Item: m,
		ConditionExpression: &must.expression, ExpressionAttributeNames: must.names, ExpressionAttributeValues: must.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		stored, err = decodeStored[T](failed.Item)
		return false, stored, err
	}
	if err != nil {
		return false, nil, translate(err, "put", key)
	}
	return true, nil, nil
}

func transact[T any](ctx context.Context, s *Store, key primary, guarded attributes, must condition, others []attributes) (done bool, stored *T, err error) {
	writes := []types.TransactWriteItem{{Put: &types.Put{
		TableName: &s.cfg.Table, Item: guarded,
		ConditionExpression: &must.expression, ExpressionAttributeNames: must.names, ExpressionAttributeValues: must.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}}
	for _, m := range others {
		writes = append(writes, types.TransactWriteItem{Put: &types.Put{TableName: &s.cfg.Table, Item: m}})
	}
	_, err = s.cfg.Client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) && len(cancelled.CancellationReasons) > 0 {
		if first := cancelled.CancellationReasons[0]; aws.ToString(first.Code) == "ConditionalCheckFailed" {
			stored, err = decodeStored[T](first.Item)
			return false, stored, err
		}
		return false, nil, cancellation(cancelled, key)
	}
	if err != nil {
		return false, nil, translate(err, "write transaction of", key)
	}
	return true, nil, nil
}

// cancellation returns what a cancelled transaction asks for: another try, unless DynamoDB refuses an item as such.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
func cancellation(cancelled *types.TransactionCanceledException, key primary) error {
	for _, reason := range cancelled.CancellationReasons {
		switch aws.ToString(reason.Code) {
		case "ValidationError", "ItemCollectionSizeLimitExceeded":
			return fault.New(fault.Internal, "write transaction of %s|%s: %s: %w", key.PK, key.SK, aws.ToString(reason.Message), cancelled)
		}
	}
	return fault.New(fault.Transient, "write transaction of %s|%s: %w", key.PK, key.SK, cancelled)
}

// decodeStored returns the item that a failed condition has reported: nil if there is none.
func decodeStored[T any](m attributes) (*T, error) {
	if len(m) == 0 {
		return nil, nil //nolint:nilnil // no item is what there is
	}
	item, err := decode[T](m)
	return &item, err
}

// list returns all items under key.PK whose sort key begins with key.SK, in its order.
func list[T any](ctx context.Context, s *Store, key primary) ([]T, error) {
	pages := dynamodb.NewQueryPaginator(s.cfg.Client, &dynamodb.QueryInput{
		TableName: &s.cfg.Table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :pk AND begins_with(sk, :sk)"),
		ExpressionAttributeValues: attributes{":pk": text(key.PK), ":sk": text(key.SK)},
	})
	var items []T
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, translate(err, "query", key)
		}
		for _, m := range page.Items {
			item, err := decode[T](m)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
	}
	return items, nil
}

// replace stores item whatever is there. It is for what guards nothing.
func (s *Store) replace(ctx context.Context, key primary, item any) error {
	m, err := encode(item)
	if err != nil {
		return err
	}
	if _, err := s.cfg.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.cfg.Table, Item: m}); err != nil {
		return translate(err, "put", key)
	}
	return nil
}

// vanished is a guard that was there when a condition was checked, but is not in the answer: nothing here deletes it.
func vanished(key primary) error {
	return fault.New(fault.Transient, "%s|%s: its condition failed, but DynamoDB returned no item", key.PK, key.SK)
}
