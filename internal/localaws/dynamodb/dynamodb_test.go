package dynamodb_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

type (
	item = map[string]types.AttributeValue
	str  = types.AttributeValueMemberS
	num  = types.AttributeValueMemberN
)

// endpoint is DynamoDB on a port of its own with a client of the real SDK.
type endpoint struct {
	*client.Client
	service *dynamodb.Service
	clock   *clock.Clock
}

func serve(t testing.TB, store *state.Store) endpoint {
	t.Helper()
	e := endpoint{clock: clock.New()}
	s, err := dynamodb.New(dynamodb.Config{Store: store, Clock: e.clock})
	if err != nil {
		t.Fatal(err)
	}
	root := func(context.Context, string) (wire.Caller, bool) { return wire.Caller{AccessKeyID: "test"}, true }
	server := httptest.NewServer(wire.NewHandler([]wire.Service{s.API()}, root, log.New(t.Output(), "", 0)))
	t.Cleanup(server.Close)
	e.service = s
	e.Client = client.New(client.Options{
		BaseEndpoint: &server.URL, Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		RetryMaxAttempts: 1,
	})
	return e
}

func memory(t testing.TB) *state.Store {
	t.Helper()
	store, err := state.Open("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

var table = aws.String("state")

// serveTable is an endpoint with a table that has a sort key of the given type.
func serveTable(t testing.TB, sort types.ScalarAttributeType) endpoint {
	t.Helper()
	e := serve(t, memory(t))
	_, err := e.CreateTable(t.Context(), &client.CreateTableInput{
		TableName: table, BillingMode: types.BillingModePayPerRequest,
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
		},
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: "S"}, {AttributeName: aws.String("sk"), AttributeType: sort},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func key(pk, sk string) item { return item{"pk": &str{Value: pk}, "sk": &str{Value: sk}} }

func with(it item, name string, v types.AttributeValue) item {
	it[name] = v
	return it
}

func (e endpoint) put(t testing.TB, it item) {
	t.Helper()
	if _, err := e.PutItem(t.Context(), &client.PutItemInput{TableName: table, Item: it}); err != nil {
		t.Fatal(err)
	}
}

func (e endpoint) get(t testing.TB, k item) item {
	t.Helper()
	out, err := e.GetItem(t.Context(), &client.GetItemInput{TableName: table, Key: k, ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	return out.Item
}

var ignored = cmpopts.IgnoreUnexported(str{}, num{}, types.AttributeValueMemberB{}, types.AttributeValueMemberBOOL{},
	types.AttributeValueMemberNULL{}, types.AttributeValueMemberL{}, types.AttributeValueMemberM{}, types.AttributeValueMemberSS{},
	types.AttributeValueMemberNS{}, types.AttributeValueMemberBS{})

func refused(t *testing.T, err error, code, message string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code || e.ErrorMessage() != message {
		t.Errorf("got %v\nwant %s: %s", err, code, message)
	}
}

func TestAnItemComesBackAsItWasPut(t *testing.T) {
	t.Parallel()
	e := serveTable(t, "S")
	want := key("a", "1")
	want["n"] = &num{Value: "12345678901234567890.123456789012345678"}
	want["b"] = &types.AttributeValueMemberB{Value: []byte{0, 255}}
	want["t"] = &types.AttributeValueMemberBOOL{Value: true}
	want["nul"] = &types.AttributeValueMemberNULL{Value: true}
	want["l"] = &types.AttributeValueMemberL{Value: []types.AttributeValue{&str{Value: "<&>"}, &types.AttributeValueMemberL{Value: []types.AttributeValue{}}}}
	want["m"] = &types.AttributeValueMemberM{Value: item{"k": &num{Value: "-0.5"}, "e": &types.AttributeValueMemberM{Value: item{}}}}
	want["ss"] = &types.AttributeValueMemberSS{Value: []string{"x", "y"}}
	want["ns"] = &types.AttributeValueMemberNS{Value: []string{"1", "2.5"}}
	want["bs"] = &types.AttributeValueMemberBS{Value: [][]byte{{1}, {2}}}
	want["empty"] = &str{Value: ""}
	e.put(t, want)
	if diff := cmp.Diff(want, e.get(t, key("a", "1")), ignored); diff != "" {
		t.Error(diff)
	}
	if got := e.get(t, key("a", "2")); got != nil {
		t.Errorf("an item that nobody put: %v", got)
	}
}

func TestAConditionDecidesBetweenTwoWriters(t *testing.T) {
	t.Parallel()
	e := serveTable(t, "S")
	var won sync.Map
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			_, err := e.PutItem(t.Context(), &client.PutItemInput{
				TableName: table, Item: with(key("CLAIM#f#e", "CLAIM"), "owner", &num{Value: fmt.Sprint(i)}),
				ConditionExpression:                 aws.String("attribute_not_exists(pk)"),
				ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
			})
			var failed *types.ConditionalCheckFailedException
			switch {
			case err == nil:
				won.Store(i, true)
			case !errors.As(err, &failed) || failed.ErrorMessage() != "The conditional request failed" || failed.Item["owner"] == nil:
				t.Errorf("writer %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	winners := 0
	won.Range(func(any, any) bool { winners++; return true })
	if winners != 1 {
		t.Errorf("%d writers won", winners)
	}
}

func TestUpdates(t *testing.T) {
	t.Parallel()
	e := serveTable(t, "S")
	update := func(expression string, values item, returns types.ReturnValue) item {
		out, err := e.UpdateItem(t.Context(), &client.UpdateItemInput{
			TableName: table, Key: key("a", "1"), UpdateExpression: &expression, ExpressionAttributeValues: values,
			ExpressionAttributeNames: map[string]string{"#c": "count"}, ReturnValues: returns,
		})
		if err != nil {
			t.Fatal(err)
		}
		return out.Attributes
	}
	one := item{":1": &num{Value: "1"}}
	got := update("SET #c = if_not_exists(#c, :1) + :1", one, types.ReturnValueUpdatedNew)
	if diff := cmp.Diff(item{"count": &num{Value: "2"}}, got, ignored); diff != "" {
		t.Errorf("an update creates the item: %s", diff)
	}
	got = update("ADD #c :1 SET x = :1", one, types.ReturnValueUpdatedOld)
	if diff := cmp.Diff(item{"count": &num{Value: "2"}}, got, ignored); diff != "" {
		t.Error(diff)
	}
	got = update("REMOVE #c", nil, types.ReturnValueAllNew)
	if diff := cmp.Diff(with(key("a", "1"), "x", &num{Value: "1"}), got, ignored); diff != "" {
		t.Error(diff)
	}
	_, err := e.UpdateItem(t.Context(), &client.UpdateItemInput{
		TableName: table, Key: key("a", "1"), UpdateExpression: aws.String("SET pk = :1"), ExpressionAttributeValues: one,
	})
	refused(t, err, "ValidationException", "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key")
	_, err = e.UpdateItem(t.Context(), &client.UpdateItemInput{
		TableName: table, Key: key("b", "1"), UpdateExpression: aws.String("SET y = :1"), ExpressionAttributeValues: one,
		ConditionExpression: aws.String("attribute_exists(pk)"),
	})
	refused(t, err, "ConditionalCheckFailedException", "The conditional request failed")
	if got := e.get(t, key("b", "1")); got != nil {
		t.Errorf("a refused update left %v", got)
	}
}

func TestATransactionHappensWhollyOrNotAtAll(t *testing.T) {
	t.Parallel()
	e := serveTable(t, "S")
	e.put(t, with(key("a", "old"), "v", &str{Value: "kept"}))
	put := func(sk string) types.TransactWriteItem {
		return types.TransactWriteItem{Put: &types.Put{
			TableName: table, Item: key("a", sk), ConditionExpression: aws.String("attribute_not_exists(pk)"),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}}
	}
	_, err := e.TransactWriteItems(t.Context(), &client.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{put("old"), put("new")}})
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		t.Fatal(err)
	}
	if got := cancelled.ErrorMessage(); got != "Transaction cancelled, please refer cancellation reasons for specific reasons [ConditionalCheckFailed, None]" {
		t.Error(got)
	}
	reasons := cancelled.CancellationReasons
	if len(reasons) != 2 || *reasons[0].Code != "ConditionalCheckFailed" || *reasons[1].Code != "None" || reasons[0].Item["v"] == nil || reasons[1].Message != nil {
		t.Errorf("%+v", reasons)
	}
	if got := e.get(t, key("a", "new")); got != nil {
		t.Errorf("a cancelled transaction wrote %v", got)
	}
	both := &client.TransactWriteItemsInput{ClientRequestToken: aws.String("once"), TransactItems: []types.TransactWriteItem{
		put("new"),
		{Update: &types.Update{
			TableName: aws.String("arn:aws:dynamodb:us-east-1:000000000000:table/state"), Key: key("a", "count"),
			UpdateExpression: aws.String("ADD n :1"), ExpressionAttributeValues: item{":1": &num{Value: "1"}},
		}},
		{ConditionCheck: &types.ConditionCheck{TableName: table, Key: key("a", "old"), ConditionExpression: aws.String("attribute_exists(pk)")}},
	}}
	for range 2 {
		if _, err := e.TransactWriteItems(t.Context(), both); err != nil {
			t.Fatalf("the same token again is the same transaction: %v", err)
		}
	}
	if got := e.get(t, key("a", "count"))["n"]; !cmp.Equal(got, &num{Value: "1"}, ignored) {
		t.Errorf("the counter is %v", got)
	}
	both.TransactItems = both.TransactItems[1:]
	_, err = e.TransactWriteItems(t.Context(), both)
	var mismatch *types.IdempotentParameterMismatchException
	if !errors.As(err, &mismatch) {
		t.Errorf("another request with the same token: %v", err)
	}
	_, err = e.TransactWriteItems(t.Context(), &client.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{put("x"), put("x")}})
	refused(t, err, "ValidationException", "Transaction request cannot include multiple operations on one item")
	got, err := e.TransactGetItems(t.Context(), &client.TransactGetItemsInput{TransactItems: []types.TransactGetItem{
		{Get: &types.Get{TableName: table, Key: key("a", "old"), ProjectionExpression: aws.String("v")}},
		{Get: &types.Get{TableName: table, Key: key("a", "nope")}},
	}})
	if err != nil || len(got.Responses) != 2 || len(got.Responses[0].Item) != 1 || got.Responses[1].Item != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestQueriesReadWhatTheConditionSays compares every kind of condition, in both directions and with small pages, with a
// plain filter over all items.
func TestQueriesReadWhatTheConditionSays(t *testing.T) {
	t.Parallel()
	e := serveTable(t, "N")
	var all []int
	for n := -6; n <= 6; n++ {
		all = append(all, n*7)
		for _, pk := range []string{"p", "p\x00", "q"} {
			e.put(t, item{"pk": &str{Value: pk}, "sk": &num{Value: fmt.Sprint(n * 7)}, "odd": &types.AttributeValueMemberBOOL{Value: n%2 != 0}})
		}
	}
	conditions := map[string]func(n, a, b int) bool{
		"":                          func(int, int, int) bool { return true },
		" AND sk = :a":              func(n, a, _ int) bool { return n == a },
		" AND sk < :a":              func(n, a, _ int) bool { return n < a },
		" AND sk <= :a":             func(n, a, _ int) bool { return n <= a },
		" AND sk > :a":              func(n, a, _ int) bool { return n > a },
		" AND sk >= :a":             func(n, a, _ int) bool { return n >= a },
		" AND sk BETWEEN :a AND :b": func(n, a, b int) bool { return n >= a && n <= b },
	}
	var names []string
	for name := range conditions {
		names = append(names, name)
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names).Draw(t, "condition")
		a := rapid.IntRange(-45, 45).Draw(t, "a")
		b := a + rapid.IntRange(0, 40).Draw(t, "width")
		forward, onlyOdd := rapid.Bool().Draw(t, "forward"), rapid.Bool().Draw(t, "only odd")
		in := &client.QueryInput{
			TableName: table, KeyConditionExpression: aws.String("pk = :p" + name), ScanIndexForward: &forward,
			Limit: aws.Int32(rapid.Int32Range(1, 15).Draw(t, "limit")), ExpressionAttributeValues: item{":p": &str{Value: "p"}},
		}
		if strings.Contains(name, ":a") {
			in.ExpressionAttributeValues[":a"] = &num{Value: fmt.Sprint(a)}
		}
		if strings.Contains(name, ":b") {
			in.ExpressionAttributeValues[":b"] = &num{Value: fmt.Sprint(b)}
		}
		if onlyOdd {
			in.FilterExpression = aws.String("odd = :t")
			in.ExpressionAttributeValues[":t"] = &types.AttributeValueMemberBOOL{Value: true}
		}
		var want, got []string
		for i := range all {
			n := all[i]
			if !forward {
				n = all[len(all)-1-i]
			}
			if conditions[name](n, a, b) && (!onlyOdd || n/7%2 != 0) {
				want = append(want, fmt.Sprint(n))
			}
		}
		for pages := client.NewQueryPaginator(e.Client, in); pages.HasMorePages(); {
			page, err := pages.NextPage(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range page.Items {
				key, ok := it["sk"].(*num)
				if !ok {
					t.Fatalf("sort key %v is no number", it["sk"])
				}
				got = append(got, key.Value)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestQueriesByPrefix(t *testing.T) {
	t.Parallel()
	e := serveTable(t, "S")
	for _, sk := range []string{"EV", "EV#1", "EV#2", "EW", "OUT#1"} {
		e.put(t, key("WF#1", sk))
	}
	for _, forward := range []bool{true, false} {
		out, err := e.Query(t.Context(), &client.QueryInput{
			TableName: table, KeyConditionExpression: aws.String("pk = :p AND begins_with(sk, :s)"), ScanIndexForward: &forward,
			ExpressionAttributeValues: item{":p": &str{Value: "WF#1"}, ":s": &str{Value: "EV#"}}, ProjectionExpression: aws.String("sk"),
		})
		if err != nil {
			t.Fatal(err)
		}
		want := []item{{"sk": &str{Value: "EV#1"}}, {"sk": &str{Value: "EV#2"}}}
		if !forward {
			want[0], want[1] = want[1], want[0]
		}
		if diff := cmp.Diff(want, out.Items, ignored); diff != "" {
			t.Errorf("forward %v: %s", forward, diff)
		}
	}
}

func TestPagesEndAtAMegabyte(t *testing.T) {
	t.Parallel()
	e := serveTable(t, "S")
	for i := range 5 {
		e.put(t, with(key("p", fmt.Sprint(i)), "v", &str{Value: strings.Repeat("x", 300<<10)}))
	}
	out, err := e.Scan(t.Context(), &client.ScanInput{TableName: table, Select: types.SelectCount})
	if err != nil || out.Count != 4 || out.Items != nil {
		t.Fatalf("%d items in the first page, %v", out.Count, err)
	}
	if diff := cmp.Diff(key("p", "3"), out.LastEvaluatedKey, ignored); diff != "" {
		t.Error(diff)
	}
	_, err = e.PutItem(t.Context(), &client.PutItemInput{TableName: table, Item: with(key("p", "x"), "v", &str{Value: strings.Repeat("x", 400<<10)})})
	refused(t, err, "ValidationException", "Item size has exceeded the maximum allowed size")
}

func TestBatchesAndParallelScans(t *testing.T) {
	t.Parallel()
	e := serveTable(t, "S")
	var writes []types.WriteRequest
	for i := range 25 {
		writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: key(fmt.Sprint("p", i), "s")}})
	}
	if _, err := e.BatchWriteItem(t.Context(), &client.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"state": writes}}); err != nil {
		t.Fatal(err)
	}
	found := 0
	for segment := range int32(3) {
		out, err := e.Scan(t.Context(), &client.ScanInput{TableName: table, Segment: &segment, TotalSegments: aws.Int32(3)})
		if err != nil {
			t.Fatal(err)
		}
		found += len(out.Items)
	}
	if found != 25 {
		t.Errorf("three segments hold %d items", found)
	}
	out, err := e.BatchGetItem(t.Context(), &client.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		"state": {Keys: []item{key("p1", "s"), key("p2", "s"), key("nope", "s")}},
	}})
	if err != nil || len(out.Responses["state"]) != 2 || len(out.UnprocessedKeys) != 0 {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	e := serveTable(t, "S")
	ctx := t.Context()
	get := func(name string, k item) func() error {
		return func() error {
			_, err := e.GetItem(ctx, &client.GetItemInput{TableName: &name, Key: k})
			return err
		}
	}
	put := func(it item) func() error {
		return func() error {
			_, err := e.PutItem(ctx, &client.PutItemInput{TableName: table, Item: it})
			return err
		}
	}
	for name, tt := range map[string]struct {
		call          func() error
		code, message string
	}{
		"no table":      {get("gone", key("a", "b")), "ResourceNotFoundException", "Requested resource not found"},
		"half a key":    {get("state", item{"pk": &str{Value: "a"}}), "ValidationException", "The provided key element does not match the schema"},
		"key of a type": {get("state", item{"pk": &str{Value: "a"}, "sk": &num{Value: "1"}}), "ValidationException", "The provided key element does not match the schema"},
		"no key":        {put(item{"pk": &str{Value: "a"}}), "ValidationException", "One or more parameter values were invalid: Missing the key sk in the item"},
		"wrong type":    {put(item{"pk": &str{Value: "a"}, "sk": &num{Value: "1"}}), "ValidationException", "One or more parameter values were invalid: Type mismatch for key sk expected: S actual: N"},
		"empty key":     {put(key("", "b")), "ValidationException", "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"},
		"not a number":  {put(with(key("a", "b"), "n", &num{Value: "one"})), "ValidationException", "The parameter cannot be converted to a numeric value: one"},
		"empty set":     {put(with(key("a", "b"), "s", &types.AttributeValueMemberSS{Value: []string{}})), "ValidationException", "One or more parameter values were invalid: An string set  may not be empty"},
		"unused value": {func() error {
			_, err := e.PutItem(ctx, &client.PutItemInput{
				TableName: table, Item: key("a", "b"), ConditionExpression: aws.String("attribute_exists(pk)"),
				ExpressionAttributeValues: item{":x": &str{Value: "x"}},
			})
			return err
		}, "ValidationException", "Value provided in ExpressionAttributeValues unused in expressions: keys: {:x}"},
		"filter on a key": {func() error {
			_, err := e.Query(ctx, &client.QueryInput{
				TableName: table, KeyConditionExpression: aws.String("pk = :a"), FilterExpression: aws.String("sk = :a"),
				ExpressionAttributeValues: item{":a": &str{Value: "x"}},
			})
			return err
		}, "ValidationException", "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk"},
		"a batch without keys": {func() error {
			_, err := e.BatchWriteItem(ctx, &client.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{
				"state": {{PutRequest: &types.PutRequest{Item: item{"nonKey": &str{Value: "hello"}}}}},
			}})
			return err
		}, "ValidationException", "The provided key element does not match the schema"},
		"old parameters": {func() error {
			_, err := e.Scan(ctx, &client.ScanInput{TableName: table, AttributesToGet: []string{"pk"}})
			return err
		}, "ValidationException", "AttributesToGet is not supported by this endpoint: use expressions"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, tt.call(), tt.code, tt.message)
		})
	}
}
