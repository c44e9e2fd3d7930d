package dynamodb

import (
	"cmp"
	"slices"

	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/expr"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// What conditions of policies can ask of a request for items.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
const (
	conditionLeadingKeys  = "dynamodb:LeadingKeys"
	conditionAttributes   = "dynamodb:Attributes"
	conditionSelect       = "dynamodb:Select"
	conditionReturnValues = "dynamodb:ReturnValues"
	conditionCapacity     = "dynamodb:ReturnConsumedCapacity"
	conditionEnclosing    = "dynamodb:EnclosingOperation"
)

// enclosed says that the permissions are needed within a transaction.
func enclosed(operation string, needs []wire.Access) []wire.Access {
	for _, need := range needs {
		need.Context[conditionEnclosing] = []string{operation}
	}
	return needs
}

func (s *Service) readAccess(action string, in ReadInput) wire.Access {
	need := s.item(action, in.TableName, in.Key)
	need.Resource = resource(in.TableName, in.IndexName)
	s.addReadContext(need, in)
	return need
}

// addReadContext adds what a read asks for. Expressions that are wrong add nothing: the operation refuses them.
func (s *Service) addReadContext(need wire.Access, in ReadInput) {
	all := "ALL_ATTRIBUTES"
	switch {
	case in.ProjectionExpression != nil:
		all = "SPECIFIC_ATTRIBUTES"
	case in.IndexName != "":
		all = "ALL_PROJECTED_ATTRIBUTES"
	}
	need.Context[conditionSelect] = []string{cmp.Or(in.Select, all)}
	addGiven(need, conditionCapacity, in.ReturnConsumedCapacity)
	env, err := expr.NewEnv(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return
	}
	if in.ProjectionExpression != nil {
		_, _ = expr.ParseProjection(*in.ProjectionExpression, env)
	}
	if in.FilterExpression != nil {
		_, _ = expr.ParseCondition(expr.FilterExpression, *in.FilterExpression, env)
	}
	if from, err := s.source(in.TableName, in.IndexName); err == nil && in.KeyConditionExpression != nil {
		key, err := expr.ParseKeyCondition(*in.KeyConditionExpression, env, from.partition(), from.sort())
		if err == nil {
			need.Context[conditionLeadingKeys] = []string{keyText(key.Partition)}
		}
	}
	addAttributes(need, env.Attributes())
}

func (s *Service) writeAccess(action string, in WriteInput) wire.Access {
	need := s.item(action, in.TableName, in.Key, in.Item)
	addGiven(need, conditionReturnValues, in.ReturnValues)
	addGiven(need, conditionCapacity, in.ReturnConsumedCapacity)
	env, err := expr.NewEnv(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return need
	}
	if in.UpdateExpression != nil {
		_, _ = expr.ParseUpdate(*in.UpdateExpression, env)
	}
	if in.ConditionExpression != nil {
		_, _ = expr.ParseCondition(expr.ConditionExpression, *in.ConditionExpression, env)
	}
	addAttributes(need, env.Attributes())
	return need
}

func addGiven(need wire.Access, key, value string) {
	if value != "" {
		need.Context[key] = []string{value}
	}
}

// addAttributes adds names to the attributes that a request is about.
func addAttributes(need wire.Access, names []string) {
	if len(names) == 0 {
		return
	}
	all := slices.Concat(need.Context[conditionAttributes], names)
	slices.Sort(all)
	need.Context[conditionAttributes] = slices.Compact(all)
}
