package expr_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/expr"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

func item(t testing.TB, raw string) attr.Item {
	t.Helper()
	var it attr.Item
	if err := json.Unmarshal([]byte(raw), &it); err != nil {
		t.Fatalf("item %s: %v", raw, err)
	}
	return it
}

// values and names are what the placeholders of all tests stand for.
const values = `{":zero":{"N":"0"},":one":{"N":"1"},":two":{"N":"2"},":three":{"N":"3"},":a":{"S":"a"},":b":{"S":"b"},":ab":{"S":"ab"},
":true":{"BOOL":true},":null":{"NULL":true},":l":{"L":[{"S":"x"}]},":ss":{"SS":["x","y"]},":sx":{"SS":["x"]},":ns":{"NS":["7"]},
":m":{"M":{"k":{"N":"1"}}},":bin":{"B":"AQI="},":S":{"S":"S"},":big":{"N":"99999999999999999999999999999999999999"}}`

func env(t testing.TB) *expr.Env {
	t.Helper()
	e, err := expr.NewEnv(map[string]string{"#dot": "a.b", "#end": "end", "#m": "m"}, item(t, values))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

const document = `{"n":{"N":"2"},"s":{"S":"abc"},"b":{"B":"AQID"},"t":{"BOOL":true},"nul":{"NULL":true},"l":{"L":[{"S":"x"},{"N":"2"},{"M":{"k":{"S":"v"}}}]},
"m":{"M":{"k":{"N":"2"},"deep":{"M":{"k":{"S":"a"}}}}},"ss":{"SS":["x","y"]},"ns":{"NS":["1","7"]},"a.b":{"S":"dotted"},"end":{"S":"z"}}`

func TestConditions(t *testing.T) {
	t.Parallel()
	doc := item(t, document)
	for text, want := range map[string]bool{
		"n = :two":                                 true,
		"n <> :two":                                false,
		"n <> :a":                                  true,
		"absent <> :a":                             true,
		"absent = :a":                              false,
		"absent < :two":                            false,
		"NOT absent < :two":                        true,
		"n < :three AND n > :one":                  true,
		"n <= :two AND n >= :two":                  true,
		"s > :ab":                                  true,
		"s < :two":                                 false,
		"n BETWEEN :one AND :two":                  true,
		"n between :one and :two AND s = :a":       false,
		"n IN (:one, :two)":                        true,
		"n IN (:one)":                              false,
		"attribute_exists(m.deep.k)":               true,
		"attribute_exists(#m.deep.nope)":           false,
		"attribute_not_exists(l[3])":               true,
		"l[2].k = :a":                              false,
		"attribute_type(s, :S)":                    true,
		"attribute_type(n, :S)":                    false,
		"begins_with(s, :ab)":                      true,
		"begins_with(b, :bin)":                     true,
		"begins_with(n, :a)":                       false,
		"contains(s, :b)":                          true,
		"contains(ss, :a)":                         false,
		"contains(l, :two)":                        true,
		"contains(m, :a)":                          false,
		"size(s) = :three":                         true,
		"size(m) = n":                              true,
		"size(n) = :one":                           false,
		"#dot = :a":                                false,
		"attribute_exists(#dot)":                   true,
		"n = :one OR n = :two AND s = :a":          false,
		"(n = :one OR n = :two) AND t = :true":     true,
		"NOT n = :one AND NOT (s = :a)":            true,
		"((n = :two) OR (s = :b) AND (t = :true))": true,
		"attribute_not_exists(#end) OR #end <= :b": false,
		"attribute_not_exists(nope) OR nope <= :b": true,
		"(n) = (:two)":                             true,
		"(n) BETWEEN :one AND (:two)":              true,
		"(((n) = :one) OR (n IN (:two)))":          true,
		"size(l[2]) = :one":                        true,
		"size(ss) BETWEEN :one AND :two":           true,
		"contains(ns, :one)":                       true,
		"contains(:l, l[0])":                       true,
		"m.deep.k < m.k":                           false,
		":two = n":                                 true,
		"begins_with(:ab, m.deep.k)":               true,
		"nul = :null AND m <> :m AND ss = :ss AND NOT l = :l ": true,
	} {
		c, err := expr.ParseCondition(expr.ConditionExpression, text, env(t))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := c.Holds(doc); got != want {
			t.Errorf("%s is %v, want %v", text, got, want)
		}
	}
}

func refused(t *testing.T, text string, err error, want string) {
	t.Helper()
	var e *wire.Error
	if !errors.As(err, &e) || e.Code != "ValidationException" || e.Message != want {
		t.Errorf("%s\n got %v\nwant ValidationException: %s", text, err, want)
	}
}

func TestConditionsThatAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                         "Invalid ConditionExpression: The expression can not be empty;",
		"end = :a":                 "Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: end",
		"((((n < :two))))":         "Invalid ConditionExpression: The expression has redundant parentheses;",
		"((n = :two))":             "Invalid ConditionExpression: The expression has redundant parentheses;",
		"n = :nope":                "Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :nope",
		"#nope = :a":               "Invalid ConditionExpression: An expression attribute name used in the document path is not defined; attribute name: #nope",
		"n == :two":                `Invalid ConditionExpression: Syntax error; token: "=", near: "== :two"`,
		"n =":                      `Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "="`,
		"n = :two AND":             `Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "AND"`,
		"n = :two :two":            `Invalid ConditionExpression: Syntax error; token: ":two", near: ":two :two"`,
		"n ! :two":                 `Invalid ConditionExpression: Syntax error; token: "!", near: "n ! :two"`,
		"exists(n)":                "Invalid ConditionExpression: Invalid function name; function: exists",
		"attribute_exists(n,s)":    "Invalid ConditionExpression: Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2",
		"attribute_exists(:a)":     "Invalid ConditionExpression: Operator or function requires a document path; operator or function: attribute_exists",
		"attribute_exists(n) = :a": `Invalid ConditionExpression: Syntax error; token: "=", near: ") = :a"`,
		"size(n)":                  `Invalid ConditionExpression: Syntax error; token: "<EOF>", near: ")"`,
		"begins_with(s, :two)":     "Invalid ConditionExpression: Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
		"t > :true":                "Invalid ConditionExpression: Incorrect operand type for operator or function; operator or function: >, operand type: BOOL",
		"if_not_exists(n, :a)":     "Invalid ConditionExpression: The function is not allowed in a condition expression; function: if_not_exists",
		"n BETWEEN :two AND :one": "Invalid ConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; " +
			"lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}",
		"n = n":                 "Invalid ConditionExpression: The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [n]",
		"((n)) = :two":          "Invalid ConditionExpression: The expression has redundant parentheses;",
		"n BETWEEN n AND :two":  "Invalid ConditionExpression: The first operand must be distinct from the remaining operands for this operator or function; operator: BETWEEN, first operand: [n]",
		"contains(l[0], l[0])":  "Invalid ConditionExpression: The first operand must be distinct from the remaining operands for this operator or function; operator: contains, first operand: [l, [0]]",
		"n IN (:one, n)":        "Invalid ConditionExpression: The first operand must be distinct from the remaining operands for this operator or function; operator: IN, first operand: [n]",
		"size(:one) = n":        "Invalid ConditionExpression: Incorrect operand type for operator or function; operator or function: size, operand type: N",
		"contains(:true, n)":    "Invalid ConditionExpression: Incorrect operand type for operator or function; operator or function: contains, operand type: BOOL",
		"attribute_type(n, :a)": "Invalid ConditionExpression: Invalid attribute type name found; type: a, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
		"n BETWEEN :a AND :two": "Invalid ConditionExpression: The BETWEEN operator requires same data type for lower and upper bounds; " +
			"lower bound operand: AttributeValue: {S:a}, upper bound operand: AttributeValue: {N:2}",
		"n IN (" + strings.Repeat(":one,", 100) + ":one)": "Invalid ConditionExpression: The IN operator is provided with too many operands; number of operands: 101",
		strings.Repeat("n=:a OR ", 300) + "n=:a":          "Invalid ConditionExpression: The expression contains too many operators or functions; number of operators or functions: 301",
		strings.Repeat("n.", 32) + "n = :a":               "Invalid ConditionExpression: The document path has too many nesting elements; nesting elements: 33",
		strings.Repeat("n", 5000):                         "Invalid ConditionExpression: Expression size has exceeded the maximum allowed size; expression size: 5000",
	} {
		_, err := expr.ParseCondition(expr.ConditionExpression, text, env(t))
		refused(t, text, err, want)
	}
}

func TestUpdates(t *testing.T) {
	t.Parallel()
	const before = `{"pk":{"S":"p"},"n":{"N":"2"},"s":{"S":"abc"},"l":{"L":[{"N":"0"},{"N":"1"},{"N":"2"}]},"m":{"M":{"k":{"N":"2"}}},"ss":{"SS":["x","y"]}}`
	for text, want := range map[string]string{
		"SET n = n + :one":                                 `{"n":{"N":"3"}}`,
		"SET n = :one - n, x = n":                          `{"n":{"N":"-1"},"x":{"N":"2"}}`,
		"SET n = s, s = n":                                 `{"n":{"S":"abc"},"s":{"N":"2"}}`,
		"SET x = if_not_exists(x, :zero) + :one":           `{"x":{"N":"1"}}`,
		"SET n = if_not_exists(n, :zero) + :one":           `{"n":{"N":"3"}}`,
		"SET l = list_append(l, :l)":                       `{"l":{"L":[{"N":"0"},{"N":"1"},{"N":"2"},{"S":"x"}]}}`,
		"SET x = list_append(if_not_exists(x, :l), :l)":    `{"x":{"L":[{"S":"x"},{"S":"x"}]}}`,
		"SET l[1] = :a":                                    `{"l":{"L":[{"N":"0"},{"S":"a"},{"N":"2"}]}}`,
		"SET l[9] = :b, l[7] = :a":                         `{"l":{"L":[{"N":"0"},{"N":"1"},{"N":"2"},{"S":"a"},{"S":"b"}]}}`,
		"SET m.k = :a, m.j = :b":                           `{"m":{"M":{"k":{"S":"a"},"j":{"S":"b"}}}}`,
		"SET #dot = :a":                                    `{"a.b":{"S":"a"}}`,
		"REMOVE l[0], l[1]":                                `{"l":{"L":[{"N":"2"}]}}`,
		"REMOVE l[0] SET l[1] = :a":                        `{"l":{"L":[{"S":"a"},{"N":"2"}]}}`,
		"REMOVE l[9], nope":                                `{}`,
		"REMOVE m.k":                                       `{"m":{"M":{}}}`,
		"remove s":                                         `{"s":null}`,
		"ADD n :two, x :one":                               `{"n":{"N":"4"},"x":{"N":"1"}}`,
		"ADD ss :sx, ns :ns":                               `{"ss":{"SS":["y","x"]},"ns":{"NS":["7"]}}`,
		"DELETE ss :sx":                                    `{"ss":{"SS":["y"]}}`,
		"DELETE ss :ss, nope :ss":                          `{"ss":null}`,
		"SET n = (n + :one)":                               `{"n":{"N":"3"}}`,
		"SET n = :three REMOVE s ADD x :one DELETE ss :sx": `{"n":{"N":"3"},"s":null,"x":{"N":"1"},"ss":{"SS":["y"]}}`,
	} {
		u, err := expr.ParseUpdate(text, env(t))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		old := item(t, before)
		got, err := u.Apply(old)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var changed map[string]*attr.Value
		if err := json.Unmarshal([]byte(want), &changed); err != nil {
			t.Fatal(err)
		}
		expected := item(t, before)
		for name, v := range changed {
			delete(expected, name)
			if v != nil {
				expected[name] = *v
			}
		}
		if !(attr.Value{Type: attr.Map, Map: got}).Equal(attr.Value{Type: attr.Map, Map: expected}) {
			raw, _ := json.Marshal(got)
			t.Errorf("%s\n got %s\nwant %s changed by %s", text, raw, before, want)
		}
		if diff := cmp.Diff(item(t, before), old); diff != "" {
			t.Errorf("%s changed the item that it was given: %s", text, diff)
		}
	}
}

func TestUpdatesThatAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                              "Invalid UpdateExpression: The expression can not be empty;",
		"SET":                           `Invalid UpdateExpression: Syntax error; token: "<EOF>", near: "SET"`,
		"SET n = :one SET s = :a":       `Invalid UpdateExpression: The "SET" section can only be used once in an update expression;`,
		"SET m = :a, m.k = :b":          "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [m], path two: [m, k]",
		"SET m.k = :a, m[0] = :b":       "Invalid UpdateExpression: Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [m, k], path two: [m, [0]]",
		"ADD n :a":                      "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND",
		"DELETE n :one":                 "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND",
		"SET n = n + :a":                "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: +, operand type: S",
		"SET n = size(s)":               "Invalid UpdateExpression: The function is not allowed in an update expression; function: size",
		"SET n = if_not_exists(:a, :b)": "Invalid UpdateExpression: Operator or function requires a document path; operator or function: if_not_exists",
		"SET status = :a":               "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: status",
	} {
		_, err := expr.ParseUpdate(text, env(t))
		refused(t, text, err, want)
	}
	for text, want := range map[string]string{
		"SET x = nope":        "The provided expression refers to an attribute that does not exist in the item",
		"SET x = s + :one":    "An operand in the update expression has an incorrect data type",
		"ADD s :one":          "An operand in the update expression has an incorrect data type",
		"ADD ns :ss":          "An operand in the update expression has an incorrect data type",
		"SET nope.k = :a":     "The document path provided in the update expression is invalid for update",
		"SET s[0] = :a":       "The document path provided in the update expression is invalid for update",
		"SET l[7].k = :a":     "The document path provided in the update expression is invalid for update",
		"SET n = :big + :big": "Attempting to store more than 38 significant digits in a Number",
	} {
		u, err := expr.ParseUpdate(text, env(t))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		_, err = u.Apply(item(t, document))
		refused(t, text, err, want)
	}
}

func TestProjectionsKeepTheShapeOfTheDocument(t *testing.T) {
	t.Parallel()
	paths, err := expr.ParseProjection("n, m.deep.k, l[2].k, l[0], nope, s.nope, #dot", env(t))
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(expr.Project(item(t, document), paths))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"a.b":{"S":"dotted"},"l":{"L":[{"S":"x"},{"M":{"k":{"S":"v"}}}]},"m":{"M":{"deep":{"M":{"k":{"S":"a"}}}}},"n":{"N":"2"}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestKeyConditions(t *testing.T) {
	t.Parallel()
	for text, operator := range map[string]string{
		"pk = :a": "", "pk = :a AND sk = :b": "=", "sk > :b AND pk = :a": ">", "(pk = :a) AND (sk BETWEEN :a AND :b)": "BETWEEN",
		"pk = :a AND begins_with(sk, :b)": "begins_with", ":a = pk AND :b < sk": ">",
	} {
		k, err := expr.ParseKeyCondition(text, env(t), "pk", "sk")
		if err != nil || k.Partition.Str != "a" || k.Operator != operator {
			t.Errorf("%s: %+v, %v", text, k, err)
		}
	}
	for text, want := range map[string]string{
		"sk = :a":                        "Query condition missed key schema element: pk",
		"pk = :a AND x = :b":             "Query condition missed key schema element: sk",
		"pk > :a":                        "Query key condition not supported",
		"pk = :a OR sk = :b":             "Invalid operator used in KeyConditionExpression: OR",
		"pk = :a AND NOT sk = :b":        "Invalid operator used in KeyConditionExpression: NOT",
		"pk = :a AND contains(sk, :b)":   "Invalid operator used in KeyConditionExpression: contains",
		"pk = :a AND sk <> :b":           "Invalid operator used in KeyConditionExpression: <>",
		"pk = :a AND sk > :b AND x = :a": "Conditions can be of length 1 or 2 only",
		"pk = :a AND pk = :b":            "KeyConditionExpressions must only contain one condition per key",
	} {
		_, err := expr.ParseKeyCondition(text, env(t), "pk", "sk")
		refused(t, text, err, want)
	}
}

func TestPlaceholdersMustBeUsed(t *testing.T) {
	t.Parallel()
	e, err := expr.NewEnv(map[string]string{"#a": "a", "#b": "b"}, item(t, `{":x":{"S":"x"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := expr.ParseCondition(expr.ConditionExpression, "#a = :x", e); err != nil {
		t.Fatal(err)
	}
	refused(t, "unused", e.Unused(), "Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}")
	_, err = expr.NewEnv(map[string]string{"a": "a"}, nil)
	refused(t, "bad name", err, `ExpressionAttributeNames contains invalid key: Syntax error; key: "a"`)
	_, err = expr.NewEnv(nil, attr.Item{})
	refused(t, "no values", err, "ExpressionAttributeValues must not be empty")
}

// FuzzExpressions checks that no text makes the parser or the evaluation panic, and that what an update makes can be
// stored.
func FuzzExpressions(f *testing.F) {
	for _, seed := range []string{
		"n = :two AND (attribute_exists(m.k) OR size(l[0]) > :one)", "s BETWEEN :a AND :b", "n IN (:one,:two)",
		"SET n = n + :one, l[9] = list_append(l, :l) REMOVE l[0], m.k ADD ss :sx DELETE ns :ns", "n, l[2].k, #dot",
		"pk = :a AND begins_with(sk, :ab)", "NOT NOT ((n = :one))",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		doc := item(t, document)
		if c, err := expr.ParseCondition(expr.FilterExpression, text, env(t)); err == nil {
			c.Holds(doc)
			c.Holds(nil)
		}
		if paths, err := expr.ParseProjection(text, env(t)); err == nil {
			expr.Project(doc, paths)
		}
		if k, err := expr.ParseKeyCondition(text, env(t), "pk", "sk"); err == nil {
			k.Holds(attr.Value{Type: attr.String, Str: "a"})
		}
		u, err := expr.ParseUpdate(text, env(t))
		if err != nil {
			return
		}
		next, err := u.Apply(doc)
		if err != nil {
			return
		}
		raw, err := json.Marshal(next)
		if err != nil {
			t.Fatalf("%q makes an item that cannot be written: %v", text, err)
		}
		item(t, string(raw))
	})
}

func BenchmarkParseAndHold(b *testing.B) {
	doc := item(b, document)
	v := item(b, values)
	for b.Loop() {
		e, err := expr.NewEnv(map[string]string{"#end": "end"}, v)
		if err != nil {
			b.Fatal(err)
		}
		c, err := expr.ParseCondition(expr.ConditionExpression, "attribute_not_exists(pk) OR (#end <= :b AND n = :two)", e)
		if err != nil {
			b.Fatal(err)
		}
		c.Holds(doc)
	}
}
