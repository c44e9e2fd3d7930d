package dynamodb

import (
	"context"
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/expr"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// access returns the permissions that a call needs. A transaction needs that of each of its actions.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
func (s *Service) access(_ context.Context, operation string, in any) []wire.Access {
	action := "dynamodb:" + operation
	on := func(table string) []wire.Access {
		return []wire.Access{{Action: action, Resource: resource(table, "")}}
	}
	switch in := in.(type) {
	case CreateTableInput:
		needs := on(in.TableName)
		if len(in.Tags) > 0 {
			needs = append(needs, wire.Access{Action: "dynamodb:TagResource", Resource: needs[0].Resource})
		}
		for i := range needs {
			needs[i].Context = wire.TagConditions(in.Tags, nil)
		}
		return needs
	case TableInput:
		return on(in.TableName)
	case TableSettings:
		return on(in.TableName)
	case UpdateTTLInput:
		return on(in.TableName)
	case UpdateBackupsInput:
		return on(in.TableName)
	case TagsInput:
		return []wire.Access{{Action: action, Resource: in.ResourceArn, Context: wire.TagConditions(in.Tags, in.TagKeys)}}
	case ReadInput:
		need := s.item(action, in.TableName, in.Key)
		if leading := s.queried(in); leading != nil {
			need.Context["dynamodb:LeadingKeys"] = leading
		}
		need.Resource = resource(in.TableName, in.IndexName)
		return []wire.Access{need}
	case WriteInput:
		return []wire.Access{s.item(action, in.TableName, in.Key, in.Item)}
	case BatchGetInput:
		return s.batchGetAccess(in)
	case BatchWriteInput:
		return s.batchWriteAccess(in)
	case TransactGetInput:
		var needs []wire.Access
		for _, i := range in.TransactItems {
			needs = append(needs, s.item("dynamodb:GetItem", i.Get.TableName, i.Get.Key))
		}
		return needs
	case TransactWriteInput:
		return s.transactAccess(in)
	}
	return []wire.Access{{Action: action, Resource: "*"}}
}

func (s *Service) batchGetAccess(in BatchGetInput) []wire.Access {
	var needs []wire.Access
	for _, table := range slices.Sorted(maps.Keys(in.RequestItems)) {
		needs = append(needs, s.item("dynamodb:BatchGetItem", table, in.RequestItems[table].Keys...))
	}
	return needs
}

func (s *Service) batchWriteAccess(in BatchWriteInput) []wire.Access {
	var needs []wire.Access
	for _, table := range slices.Sorted(maps.Keys(in.RequestItems)) {
		var items []attr.Item
		for _, r := range in.RequestItems[table] {
			switch {
			case r.PutRequest != nil:
				items = append(items, r.PutRequest.Item)
			case r.DeleteRequest != nil:
				items = append(items, r.DeleteRequest.Key)
			}
		}
		needs = append(needs, s.item("dynamodb:BatchWriteItem", table, items...))
	}
	return needs
}

func (s *Service) transactAccess(in TransactWriteInput) []wire.Access {
	var needs []wire.Access
	for _, i := range in.TransactItems {
		for _, each := range []struct {
			action string
			in     *WriteInput
		}{
			{"dynamodb:PutItem", i.Put},
			{"dynamodb:UpdateItem", i.Update},
			{"dynamodb:DeleteItem", i.Delete},
			{"dynamodb:ConditionCheckItem", i.ConditionCheck},
		} {
			if each.in != nil {
				needs = append(needs, s.item(each.action, each.in.TableName, each.in.Key, each.in.Item))
			}
		}
	}
	return needs
}

// item is a permission for items of a table, whose partition keys are dynamodb:LeadingKeys.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
func (s *Service) item(action, table string, items ...attr.Item) wire.Access {
	need := wire.Access{Action: action, Resource: resource(table, ""), Context: map[string][]string{}}
	t, err := s.table(table)
	if err != nil {
		return need // which the operation refuses
	}
	for _, item := range items {
		if v, ok := item[t.partition()]; ok {
			need.Context["dynamodb:LeadingKeys"] = append(need.Context["dynamodb:LeadingKeys"], keyText(v))
		}
	}
	return need
}

// queried is the partition key that a query asks for; nil if it asks for none.
func (s *Service) queried(in ReadInput) []string {
	from, err := s.source(in.TableName, in.IndexName)
	if err != nil || in.KeyConditionExpression == nil {
		return nil
	}
	env, err := expr.NewEnv(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return nil
	}
	key, err := expr.ParseKeyCondition(*in.KeyConditionExpression, env, from.partition(), from.sort())
	if err != nil {
		return nil
	}
	return []string{keyText(key.Partition)}
}

// keyText is the value of a key attribute as a condition compares it.
func keyText(v attr.Value) string {
	switch v.Type {
	case attr.Number:
		return attr.FormatNumber(v.Num)
	case attr.Binary:
		return base64.StdEncoding.EncodeToString(v.Bin)
	default:
		return v.Str
	}
}

// resource is the ARN of a table, which may be named by it, or of one of its indexes.
func resource(table, index string) string {
	if !strings.HasPrefix(table, "arn:") {
		table = arn.New("dynamodb", "table/"+table)
	}
	if index != "" {
		table += "/index/" + index
	}
	return table
}
