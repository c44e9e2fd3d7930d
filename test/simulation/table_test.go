package simulation_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/store"
)

type attributes = map[string]types.AttributeValue

// table is DynamoDB as far as the store uses it: the store itself is the real one. Each call is one step of the simulation.
type table struct {
	call  func(ctx context.Context, name string, do effect) error
	items map[string]map[string]attributes // by pk and sk
}

var _ store.Client = (*table)(nil)

func newTable(call func(context.Context, string, effect) error) *table {
	return &table{call: call, items: map[string]map[string]attributes{}}
}

// GetItem implements store.Client.
func (t *table) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (out *dynamodb.GetItemOutput, err error) {
	pk, sk := key(in.Key)
	err = t.call(ctx, "get "+pk+"|"+sk, func() error {
		out = &dynamodb.GetItemOutput{Item: maps.Clone(t.items[pk][sk])}
		return nil
	})
	return out, err
}

// PutItem implements store.Client.
func (t *table) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	pk, sk := key(in.Item)
	err := t.call(ctx, "put "+pk+"|"+sk, func() error {
		if old := t.items[pk][sk]; !holds(in.ConditionExpression, in.ExpressionAttributeNames, in.ExpressionAttributeValues, old) {
			return &types.ConditionalCheckFailedException{Message: aws.String("the condition failed"), Item: maps.Clone(old)}
		}
		t.put(in.Item)
		return nil
	})
	return &dynamodb.PutItemOutput{}, err
}

// Query implements store.Client.
func (t *table) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	if *in.KeyConditionExpression != "pk = :pk AND begins_with(sk, :sk)" {
		panic("the simulation does not know the key condition " + *in.KeyConditionExpression)
	}
	pk, prefix := text(in.ExpressionAttributeValues[":pk"]), text(in.ExpressionAttributeValues[":sk"])
	out := &dynamodb.QueryOutput{}
	err := t.call(ctx, "query "+pk+"|"+prefix, func() error {
		out.Items = nil
		for _, sk := range slices.Sorted(maps.Keys(t.items[pk])) {
			if strings.HasPrefix(sk, prefix) {
				out.Items = append(out.Items, maps.Clone(t.items[pk][sk]))
			}
		}
		return nil
	})
	return out, err
}

// TransactWriteItems implements store.Client.
func (t *table) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	pk, sk := key(in.TransactItems[0].Put.Item)
	err := t.call(ctx, fmt.Sprintf("transact %d %s|%s", len(in.TransactItems), pk, sk), func() error {
		reasons, failed := make([]types.CancellationReason, len(in.TransactItems)), false
		for i, write := range in.TransactItems {
			pk, sk := key(write.Put.Item)
			reasons[i].Code = aws.String("None")
			if old := t.items[pk][sk]; !holds(write.Put.ConditionExpression, write.Put.ExpressionAttributeNames, write.Put.ExpressionAttributeValues, old) {
				reasons[i] = types.CancellationReason{Code: aws.String("ConditionalCheckFailed"), Item: maps.Clone(old)}
				failed = true
			}
		}
		if failed {
			return &types.TransactionCanceledException{Message: aws.String("cancelled"), CancellationReasons: reasons}
		}
		for _, write := range in.TransactItems {
			t.put(write.Put.Item)
		}
		return nil
	})
	return &dynamodb.TransactWriteItemsOutput{}, err
}

func (t *table) put(item attributes) {
	pk, sk := key(item)
	if t.items[pk] == nil {
		t.items[pk] = map[string]attributes{}
	}
	t.items[pk][sk] = maps.Clone(item)
}

// holds evaluates a condition: terms joined by AND, which binds closer, and OR.
func holds(expression *string, names map[string]string, values, item attributes) bool {
	if expression == nil {
		return true
	}
	for _, either := range strings.Split(*expression, " OR ") {
		all := true
		for _, term := range strings.Split(either, " AND ") {
			all = all && termHolds(term, names, values, item)
		}
		if all {
			return true
		}
	}
	return false
}

func termHolds(term string, names map[string]string, values, item attributes) bool {
	if name, ok := strings.CutPrefix(term, "attribute_not_exists("); ok {
		_, there := item[strings.TrimSuffix(name, ")")]
		return !there
	}
	parts := strings.Fields(term)
	if len(parts) != 3 || parts[1] != "=" && parts[1] != "<=" {
		panic("the simulation does not know the condition " + term)
	}
	have, want := item[names[parts[0]]], values[parts[2]]
	switch want := want.(type) {
	case *types.AttributeValueMemberS:
		have, ok := have.(*types.AttributeValueMemberS)
		return ok && (have.Value == want.Value || parts[1] == "<=" && have.Value < want.Value)
	case *types.AttributeValueMemberN:
		have, ok := have.(*types.AttributeValueMemberN)
		if !ok {
			return false
		}
		order := decimal.RequireFromString(have.Value).Cmp(decimal.RequireFromString(want.Value))
		return order == 0 || parts[1] == "<=" && order < 0
	case *types.AttributeValueMemberBOOL:
		have, ok := have.(*types.AttributeValueMemberBOOL)
		return ok && have.Value == want.Value
	}
	panic(fmt.Sprintf("the simulation does not compare with a %T", want))
}

func key(item attributes) (pk, sk string) { return text(item["pk"]), text(item["sk"]) }

func text(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}
