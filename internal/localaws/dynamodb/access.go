package dynamodb

import (
	"context"
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
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
		return []wire.Access{s.readAccess(action, in)}
	case WriteInput:
		return []wire.Access{s.writeAccess(action, in)}
	case BatchGetInput:
		return s.batchGetAccess(in)
	case BatchWriteInput:
		return s.batchWriteAccess(in)
	case TransactGetInput:
		var needs []wire.Access
		for _, i := range in.TransactItems {
			needs = append(needs, s.readAccess("dynamodb:GetItem", i.Get))
		}
		return enclosed(operation, needs)
	case TransactWriteInput:
		return enclosed(operation, s.transactAccess(in))
	}
	return []wire.Access{{Action: action, Resource: "*"}}
}

func (s *Service) batchGetAccess(in BatchGetInput) []wire.Access {
	var needs []wire.Access
	for _, table := range slices.Sorted(maps.Keys(in.RequestItems)) {
		request := in.RequestItems[table]
		need := s.item("dynamodb:BatchGetItem", table, request.Keys...)
		s.addReadContext(need, ReadInput{
			TableName: table, ProjectionExpression: request.ProjectionExpression,
			ExpressionAttributeNames: request.ExpressionAttributeNames, ReturnConsumedCapacity: in.ReturnConsumedCapacity,
		})
		needs = append(needs, need)
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
				needs = append(needs, s.writeAccess(each.action, *each.in))
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
			need.Context[conditionLeadingKeys] = append(need.Context[conditionLeadingKeys], keyText(v))
		}
		addAttributes(need, slices.Collect(maps.Keys(item)))
	}
	return need
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
