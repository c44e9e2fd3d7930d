package expr

import (
	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
)

// KeyCondition says which items of one partition a query reads.
type KeyCondition struct {
	Partition attr.Value
	// Operator is a comparator, "BETWEEN" or "begins_with" on the sort key, or "" if all items of the partition count.
	Operator string
	// Low is the operand, or the lower bound of BETWEEN; High the upper bound.
	Low, High attr.Value
}

// Holds reports whether the sort key of an item satisfies the condition.
func (k KeyCondition) Holds(sort attr.Value) bool {
	switch k.Operator {
	case "":
		return true
	case "BETWEEN":
		return between{literal{sort}, literal{k.Low}, literal{k.High}}.Holds(nil)
	case "begins_with":
		return function{"begins_with", []operand{literal{sort}, literal{k.Low}}}.Holds(nil)
	}
	return comparison{k.Operator, literal{sort}, literal{k.Low}}.Holds(nil)
}

// ParseKeyCondition reads the key condition of a query on a table with the given keys; sort is "" if it has none.
func ParseKeyCondition(text string, env *Env, partition, sort string) (k KeyCondition, err error) {
	parsed, err := ParseCondition(KeyConditionExpression, text, env)
	if err != nil {
		return k, err
	}
	parts, err := conjuncts(parsed)
	if err != nil {
		return k, err
	}
	if len(parts) > 2 {
		return k, attr.Invalidf("Conditions can be of length 1 or 2 only")
	}
	seen := map[string]bool{}
	for _, part := range parts {
		name, c, err := keyPart(part)
		if err != nil {
			return k, err
		}
		if seen[name] {
			return k, attr.Invalidf("KeyConditionExpressions must only contain one condition per key")
		}
		seen[name] = true
		switch name {
		case partition:
			if c.Operator != "=" {
				return k, attr.Invalidf("Query key condition not supported")
			}
			k.Partition = c.Low
		case sort:
			k.Operator, k.Low, k.High = c.Operator, c.Low, c.High
		}
	}
	if !seen[partition] {
		return k, attr.Invalidf("Query condition missed key schema element: %s", partition)
	}
	if len(parts) == 2 && !seen[sort] {
		if sort == "" {
			return k, attr.Invalidf("Query key condition not supported")
		}
		return k, attr.Invalidf("Query condition missed key schema element: %s", sort)
	}
	return k, nil
}

// conjuncts takes ANDs and parentheses apart.
func conjuncts(c Condition) ([]Condition, error) {
	switch c := c.(type) {
	case group:
		return conjuncts(c.of)
	case and:
		a, err := conjuncts(c.a)
		if err != nil {
			return nil, err
		}
		b, err := conjuncts(c.b)
		return append(a, b...), err
	case or:
		return nil, errKeyOperator("OR")
	case not:
		return nil, errKeyOperator("NOT")
	}
	return []Condition{c}, nil
}

// keyPart reads one condition of the form that keys allow: on which attribute it is, and what it asks for.
func keyPart(c Condition) (name string, k KeyCondition, err error) {
	switch c := c.(type) {
	case comparison:
		if c.operator == "<>" {
			return "", k, errKeyOperator("<>")
		}
		name, k.Low, err = keyOperands(c.a, c.b)
		k.Operator = c.operator
		if _, flipped := c.a.(literal); flipped {
			name, k.Low, err = keyOperands(c.b, c.a)
			k.Operator = map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}[c.operator]
		}
	case between:
		name, k.Low, err = keyOperands(c.of, c.lower)
		if err == nil {
			_, k.High, err = keyOperands(c.of, c.upper)
		}
		k.Operator = "BETWEEN"
	case function:
		if c.name != "begins_with" {
			return "", k, errKeyOperator(c.name)
		}
		name, k.Low, err = keyOperands(c.args[0], c.args[1])
		k.Operator = "begins_with"
	case in:
		return "", k, errKeyOperator("IN")
	}
	return name, k, err
}

func keyOperands(of, with operand) (name string, v attr.Value, err error) {
	if _, ok := of.(sizeOf); ok {
		return "", v, errKeyOperator("size")
	}
	path, ok := of.(pathTo)
	if !ok {
		return "", v, KeyConditionExpression.errorf("No key attribute found in a condition")
	}
	if len(path.path) > 1 {
		return "", v, KeyConditionExpression.errorf("KeyConditionExpressions cannot have conditions on nested attributes")
	}
	l, ok := with.(literal)
	if !ok {
		return "", v, KeyConditionExpression.errorf("KeyConditionExpressions must compare a key with a value")
	}
	return path.path[0].Name, l.v, nil
}

func errKeyOperator(operator string) error {
	return attr.Invalidf("Invalid operator used in KeyConditionExpression: %s", operator)
}
