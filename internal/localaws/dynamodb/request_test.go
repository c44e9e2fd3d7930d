package dynamodb_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// over is the service as it is on the wire, for anyone.
func over(s *dynamodb.Service) http.Handler {
	anyone := func(_ context.Context, key string) (wire.Caller, bool) { return wire.Caller{AccessKeyID: key}, true }
	return wire.NewHandler([]wire.Service{s.API()}, anyone, log.New(io.Discard, "", 0))
}

// plain serves requests as they are on the wire, with a table "state" that has the keys pk and sk.
func plain(t testing.TB) http.Handler {
	t.Helper()
	s, err := dynamodb.New(dynamodb.Config{Store: memory(t), Clock: clock.New()})
	if err != nil {
		t.Fatal(err)
	}
	handler := over(s)
	answered(t, handler, `CreateTable {"TableName":"state","BillingMode":"PAY_PER_REQUEST",
		"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
		"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"}]}`)
	return handler
}

// request sends "Action {…}", where $KEY stands for a key.
func request(t testing.TB, handler http.Handler, text string) (status int, answer map[string]any) {
	t.Helper()
	action, body, _ := strings.Cut(strings.ReplaceAll(text, "$KEY", `{"pk":{"S":"a"},"sk":{"S":"b"}}`), " ")
	return ask(t, handler, action, json.RawMessage(body))
}

func answered(t testing.TB, handler http.Handler, text string) map[string]any {
	t.Helper()
	status, answer := request(t, handler, text)
	if status != http.StatusOK {
		t.Fatalf("%.200s: %d %v", text, status, answer)
	}
	return answer
}

func TestRequestsThatAreWrongWhateverTheItemIs(t *testing.T) {
	t.Parallel()
	const one = "1 validation error detected: Value "
	const enum = " failed to satisfy constraint: Member must satisfy enum value set: "
	puts := strings.Repeat(`{"PutRequest":{"Item":$KEY}},`, 26)
	for text, want := range map[string]string{
		`PutItem {"TableName":"state"}`:                                                   one + "null at 'item' failed to satisfy constraint: Member must not be null",
		`GetItem {"TableName":"state"}`:                                                   one + "null at 'key' failed to satisfy constraint: Member must not be null",
		`PutItem {"TableName":"state","Item":$KEY,"ReturnValues":"ALL_NEW"}`:              "ReturnValues can only be ALL_OLD or NONE",
		`UpdateItem {"TableName":"state","Key":$KEY,"ReturnValues":"ALL"}`:                one + "'ALL' at 'returnValues'" + enum + "[ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]",
		`GetItem {"TableName":"state","Key":$KEY,"ReturnConsumedCapacity":"ALL"}`:         one + "'ALL' at 'returnConsumedCapacity'" + enum + "[INDEXES, TOTAL, NONE]",
		`UpdateItem {"TableName":"state","Key":$KEY,"UpdateExpression":""}`:               "Invalid UpdateExpression: The expression can not be empty;",
		`DeleteItem {"TableName":"state","Key":$KEY,"ConditionExpression":""}`:            "Invalid ConditionExpression: The expression can not be empty;",
		`GetItem {"TableName":"state","Key":$KEY,"ProjectionExpression":""}`:              "Invalid ProjectionExpression: The expression can not be empty;",
		`PutItem {"TableName":"state","Item":$KEY,"ExpressionAttributeNames":{"#a":"b"}}`: "ExpressionAttributeNames can only be specified when using expressions",
		`UpdateItem {"TableName":"state","Key":$KEY,"ExpressionAttributeValues":{":a":{"S":"b"}}}`: "ExpressionAttributeValues can only be specified when " +
			"using expressions: UpdateExpression and ConditionExpression are null",
		`DeleteItem {"TableName":"state","Key":$KEY,"ExpressionAttributeValues":{":a":{"S":"b"}}}`: "ExpressionAttributeValues can only be specified when " +
			"using expressions: ConditionExpression is null",
		`UpdateItem {"TableName":"state","Key":$KEY,"UpdateExpression":"SET sk = :a","ExpressionAttributeValues":{":a":{"S":"b"}}}`: "One or more parameter values " +
			"were invalid: Cannot update attribute sk. This attribute is part of the key",
		`BatchWriteItem {"RequestItems":{"state":[` + strings.TrimSuffix(puts, ",") + `]}}`: one + "'[" + strings.Repeat("…, ", 25) + "…]' at 'requestItems.state' " +
			"failed to satisfy constraint: Member must have length less than or equal to 25",
		`BatchGetItem {"RequestItems":{"state":{"Keys":[]}}}`:                                                                   one + "'[]' at 'requestItems.state.member.keys' failed to satisfy constraint: Member must have length greater than or equal to 1",
		`BatchGetItem {"RequestItems":{"state":{"Keys":[$KEY,$KEY]}}}`:                                                          "Provided list of item keys contains duplicates",
		`TransactWriteItems {"TransactItems":[]}`:                                                                               one + "'[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1",
		`Scan {"TableName":"state","TotalSegments":2}`:                                                                          "The Segment parameter is required but was not present in the request when parameter TotalSegments is present",
		`Scan {"TableName":"state","Segment":2,"TotalSegments":2}`:                                                              "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 2 is not less than TotalSegments: 2",
		`Scan {"TableName":"state","Segment":0,"TotalSegments":0}`:                                                              one + "'0' at 'totalSegments' failed to satisfy constraint: Member must have value between 1 and 1000000",
		`Query {"TableName":"state"}`:                                                                                           "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
		`PutItem {"TableName":"state","Item":{"pk":{"S":"a"},"sk":{"S":"b"},"x":{"S":"` + strings.Repeat("x", 400<<10) + `"}}}`: "Item size has exceeded the maximum allowed size",
		`Query {"TableName":"state","KeyConditionExpression":"pk = :a AND sk > :b","ExpressionAttributeValues":{":a":{"S":"a"},":b":{"S":"c"}},"ExclusiveStartKey":$KEY}`: "The " +
			"provided starting key does not match the range key predicate",
	} {
		t.Run(fmt.Sprintf("%.60s", text), func(t *testing.T) {
			t.Parallel()
			handler := plain(t)
			status, answer := request(t, handler, text)
			if diff := cmp.Diff(want, answer["message"]); status != http.StatusBadRequest || diff != "" {
				t.Errorf("%d %s", status, diff)
			}
			if items := answered(t, handler, `Scan {"TableName":"state"}`); items["Count"] != 0.0 {
				t.Errorf("%.200s was refused and has written: %v", text, items)
			}
		})
	}
}

// Writes cost a unit a kilobyte, reads one for four, half of that if they may be stale; transactions cost twice.
func TestConsumedCapacityIsToldToWhoAsks(t *testing.T) {
	t.Parallel()
	handler := plain(t)
	big := `{"pk":{"S":"a"},"sk":{"S":"b"},"x":{"S":"` + strings.Repeat("x", 5000) + `"}}`
	const ask = `,"ReturnConsumedCapacity":"TOTAL"}`
	for _, step := range []struct{ request, want string }{
		{`PutItem {"TableName":"state","Item":` + big + `}`, `null`},
		{`PutItem {"TableName":"state","Item":` + big + `,"ReturnConsumedCapacity":"NONE"}`, `null`},
		{`PutItem {"TableName":"state","Item":$KEY` + ask, `{"TableName":"state","CapacityUnits":5}`},
		{`PutItem {"TableName":"state","Item":` + big + ask, `{"TableName":"state","CapacityUnits":5}`},
		{`GetItem {"TableName":"state","Key":$KEY` + ask, `{"TableName":"state","CapacityUnits":1}`},
		{`GetItem {"TableName":"state","Key":$KEY,"ConsistentRead":true` + ask, `{"TableName":"state","CapacityUnits":2}`},
		{`GetItem {"TableName":"state","Key":{"pk":{"S":"no"},"sk":{"S":"no"}}` + ask, `{"TableName":"state","CapacityUnits":0.5}`},
		{
			`UpdateItem {"TableName":"state","Key":$KEY,"ReturnConsumedCapacity":"INDEXES"}`,
			`{"TableName":"state","CapacityUnits":5,"Table":{"CapacityUnits":5}}`,
		},
		{`Scan {"TableName":"state"` + ask, `{"TableName":"state","CapacityUnits":1}`},
		{`BatchGetItem {"RequestItems":{"state":{"Keys":[$KEY],"ConsistentRead":true}}` + ask, `[{"TableName":"state","CapacityUnits":2}]`},
		{`TransactGetItems {"TransactItems":[{"Get":{"TableName":"state","Key":$KEY}}]` + ask, `[{"TableName":"state","CapacityUnits":4,"ReadCapacityUnits":4}]`},
		{
			`TransactWriteItems {"TransactItems":[{"Delete":{"TableName":"state","Key":$KEY}}]` + ask,
			`[{"TableName":"state","CapacityUnits":10,"WriteCapacityUnits":10}]`,
		},
		{`BatchWriteItem {"RequestItems":{"state":[{"PutRequest":{"Item":$KEY}}]}` + ask, `[{"TableName":"state","CapacityUnits":1}]`},
	} {
		var want any
		if err := json.Unmarshal([]byte(step.want), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, answered(t, handler, step.request)["ConsumedCapacity"]); diff != "" {
			t.Errorf("%.100s: %s", step.request, diff)
		}
	}
}

// BenchmarkConditionalPut is a claim as the project's store makes it, without what the client and the network take.
func BenchmarkConditionalPut(b *testing.B) {
	handler := plain(b)
	const claim = `{"TableName":"state","ConditionExpression":"attribute_not_exists(pk) OR lease_until < :now",
		"ExpressionAttributeValues":{":now":{"N":"1767225600"}},"ReturnValuesOnConditionCheckFailure":"ALL_OLD",
		"Item":{"pk":{"S":"CLAIM#strategy#%d"},"sk":{"S":"CLAIM"},"owner":{"S":"8f5c0f26-9a44-4b56-a3a5-6d8a1b0f5a10"},
		"token":{"N":"1"},"attempt":{"N":"1"},"lease_until":{"N":"1767225660"},"ttl":{"N":"1768225660"},"done":{"BOOL":false},
		"outbox":{"L":[{"S":"e1"},{"S":"e2"}]},"meta":{"M":{"correlation_id":{"S":"run-main-2026-01-01"}}}}}`
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(fmt.Sprintf(claim, n)))
		r.Header["X-Amz-Target"], r.Header["Authorization"] = []string{"DynamoDB_20120810.PutItem"}, []string{authorization}
		w := httptest.NewRecorder()
		if handler.ServeHTTP(w, r); w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}
