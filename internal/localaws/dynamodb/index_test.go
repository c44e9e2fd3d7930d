package dynamodb_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
)

const (
	byOwner = `"IndexName":"by-owner","KeySchema":[{"AttributeName":"owner","KeyType":"HASH"},{"AttributeName":"at","KeyType":"RANGE"}],
		"Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["note"]}`
	byAge = `"IndexName":"by-age","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"at","KeyType":"RANGE"}],
		"Projection":{"ProjectionType":"KEYS_ONLY"}`
	attributes = `"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"},
		{"AttributeName":"owner","AttributeType":"S"},{"AttributeName":"at","AttributeType":"N"}]`
)

// indexed has a table "jobs" with a global index by-owner, which holds the note too, and a local index by-age of the keys.
func indexed(t testing.TB) http.Handler {
	t.Helper()
	handler := plain(t)
	answered(t, handler, createIndexed)
	return handler
}

const createIndexed = `CreateTable {"TableName":"jobs","BillingMode":"PAY_PER_REQUEST",` + attributes + `,
	"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
	"GlobalSecondaryIndexes":[{` + byOwner + `}],"LocalSecondaryIndexes":[{` + byAge + `}]}`

func TestIndexesAreCheckedWhenTheyAreMade(t *testing.T) {
	t.Parallel()
	const wrong = "One or more parameter values were invalid: "
	replace := func(in, old, new string) string { return strings.Replace(in, old, new, 1) }
	local := func(x string) string {
		return `"LocalSecondaryIndexes":[{` + x + `}],"GlobalSecondaryIndexes":[{` + byOwner + `}]`
	}
	for _, tt := range []struct{ name, indexes, want string }{
		{"twice", local(replace(byAge, "by-age", "by-owner")), wrong + "Duplicate index name: by-owner"},
		{
			"of an attribute without type", local(replace(byAge, `"at"`, `"other"`)),
			wrong + "Some index key attributes are not defined in AttributeDefinitions. Keys: [other], AttributeDefinitions: [at owner pk sk]",
		},
		{"too few", `"LocalSecondaryIndexes":[{` + byAge + `}]`, wrong + "Some AttributeDefinitions are not used. AttributeDefinitions: [at owner pk sk], keys used: [at pk sk]"},
		{"local without range", local(replace(byAge, `,{"AttributeName":"at","KeyType":"RANGE"}`, "")), wrong + "Index KeySchema does not have a range key for index: by-age"},
		{
			"local of another partition", local(replace(byAge, `"pk"`, `"owner"`)),
			wrong + "Index KeySchema does not have the same leading hash key as table KeySchema for index: by-age. index hash key: owner, table hash key: pk",
		},
		{"projection of nothing", local(replace(byAge, `"KEYS_ONLY"`, `"INCLUDE"`)), wrong + "ProjectionType is INCLUDE, but NonKeyAttributes is not specified"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			status, answer := request(t, plain(t), `CreateTable {"TableName":"jobs","BillingMode":"PAY_PER_REQUEST",`+attributes+`,
				"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],`+tt.indexes+`}`)
			if diff := gocmp.Diff(tt.want, answer["message"]); status != http.StatusBadRequest || diff != "" {
				t.Errorf("%d %s", status, diff)
			}
		})
	}
}

func TestRequestsThatAnIndexRefuses(t *testing.T) {
	t.Parallel()
	handler := indexed(t)
	const wrong = "One or more parameter values were invalid: "
	query := `Query {"TableName":"jobs","IndexName":"by-owner","KeyConditionExpression":"#o = :o","ExpressionAttributeNames":{"#o":"owner"},"ExpressionAttributeValues":{":o":{"S":"x"}}`
	for text, want := range map[string]string{
		`PutItem {"TableName":"jobs","Item":{"pk":{"S":"a"},"sk":{"S":"b"},"at":{"S":"noon"}}}`: wrong + "Type mismatch for Index Key at Expected: N Actual: S IndexName: by-age",
		`PutItem {"TableName":"jobs","Item":{"pk":{"S":"a"},"sk":{"S":"b"},"owner":{"S":""}}}`: "One or more parameter values are not valid. A value specified for a " +
			"secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: by-owner, IndexKey: owner",
		`UpdateItem {"TableName":"jobs","Key":$KEY,"UpdateExpression":"SET #a = :a","ExpressionAttributeNames":{"#a":"at"},"ExpressionAttributeValues":{":a":{"S":"noon"}}}`: wrong +
			"Type mismatch for Index Key at Expected: N Actual: S IndexName: by-age",
		`Scan {"TableName":"jobs","IndexName":"by-nothing"}`: "The table does not have the specified index: by-nothing",
		query + `,"ConsistentRead":true}`:                    "Consistent reads are not supported on global secondary indexes",
		query + `,"Select":"ALL_ATTRIBUTES"}`:                wrong + "Select type ALL_ATTRIBUTES is not supported for global secondary index by-owner because its projection type is not ALL",
		query + `,"ProjectionExpression":"more"}`:            wrong + "Global secondary index by-owner does not project [more]",
		query + `,"ExclusiveStartKey":$KEY}`:                 "The provided starting key is invalid: The provided key element does not match the schema",
		`Query {"TableName":"jobs","IndexName":"by-age","KeyConditionExpression":"pk = :o AND sk = :o","ExpressionAttributeValues":{":o":{"S":"x"}}}`: "Query condition missed key schema element: at",
	} {
		status, answer := request(t, handler, text)
		if diff := gocmp.Diff(want, answer["message"]); status != http.StatusBadRequest || diff != "" {
			t.Errorf("%.150s: %d %s", text, status, diff)
		}
	}
}

// job is an item of the model; an empty owner or an age of -1 are not there.
type job struct {
	pk, sk, owner, note string
	at                  int
}

func (j job) wire() string {
	text := fmt.Sprintf(`"pk":{"S":%q},"sk":{"S":%q},"note":{"S":%q},"more":{"N":"1"}`, j.pk, j.sk, j.note)
	if j.owner != "" {
		text += fmt.Sprintf(`,"owner":{"S":%q}`, j.owner)
	}
	if j.at >= 0 {
		text += fmt.Sprintf(`,"at":{"N":"%d"}`, j.at)
	}
	return "{" + text + "}"
}

// pages reads a query or scan to its end, in pages of two, and returns what f makes of its items.
func pages(t testing.TB, handler http.Handler, text string, f func(item map[string]any) string) (got []string) {
	t.Helper()
	start := ""
	for {
		answer := answered(t, handler, strings.TrimSuffix(text, "}")+`,"Limit":2`+start+"}")
		items, _ := answer["Items"].([]any)
		for _, each := range items {
			item, _ := each.(map[string]any)
			got = append(got, f(item))
		}
		if answer["LastEvaluatedKey"] == nil {
			return got
		}
		raw, err := json.Marshal(answer["LastEvaluatedKey"])
		if err != nil {
			t.Fatal(err)
		}
		start = `,"ExclusiveStartKey":` + string(raw)
	}
}

func names(item map[string]any) string {
	text := func(name string) string {
		v, _ := item[name].(map[string]any)
		return fmt.Sprint(v["S"], v["N"])
	}
	keys := make([]string, 0, len(item))
	for k := range item {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return text("pk") + text("sk") + text("at") + fmt.Sprint(keys)
}

// Whatever is written, an index has exactly the items that have its keys, in their order; also one that is made later.
func TestIndexesShowWhatTheTableHas(t *testing.T) {
	t.Parallel()
	handler := plain(t)
	rapid.Check(t, func(rt *rapid.T) {
		answered(t, handler, createIndexed)
		defer answered(t, handler, `DeleteTable {"TableName":"jobs"}`)
		model := map[string]job{}
		for range rapid.IntRange(0, 12).Draw(rt, "writes") {
			j := job{
				pk: rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "pk"), sk: rapid.SampledFrom([]string{"1", "2", "3"}).Draw(rt, "sk"),
				owner: rapid.SampledFrom([]string{"", "x", "y"}).Draw(rt, "owner"), note: rapid.SampledFrom([]string{"n", "m"}).Draw(rt, "note"),
				at: rapid.IntRange(-1, 2).Draw(rt, "at"),
			}
			key := fmt.Sprintf(`{"pk":{"S":%q},"sk":{"S":%q}}`, j.pk, j.sk)
			switch rapid.IntRange(0, 3).Draw(rt, "kind") {
			case 0:
				answered(t, handler, `DeleteItem {"TableName":"jobs","Key":`+key+`}`)
				delete(model, j.pk+j.sk)
			case 1:
				answered(t, handler, `TransactWriteItems {"TransactItems":[{"Put":{"TableName":"jobs","Item":`+j.wire()+`}}]}`)
				model[j.pk+j.sk] = j
			case 2:
				answered(t, handler, `UpdateItem {"TableName":"jobs","Key":`+key+`,"UpdateExpression":"SET note = :n, more = :m REMOVE #o, #a",
					"ExpressionAttributeNames":{"#o":"owner","#a":"at"},"ExpressionAttributeValues":{":n":{"S":"n"},":m":{"N":"1"}}}`)
				j.owner, j.at, j.note = "", -1, "n"
				model[j.pk+j.sk] = j
			default:
				answered(t, handler, `PutItem {"TableName":"jobs","Item":`+j.wire()+`}`)
				model[j.pk+j.sk] = j
			}
		}
		jobs := func(keep func(job) bool, attributes string) (want []string) {
			var kept []job
			for _, j := range model {
				if keep(j) {
					kept = append(kept, j)
				}
			}
			slices.SortFunc(kept, func(a, b job) int {
				return cmp.Or(cmp.Compare(a.owner, b.owner), cmp.Compare(a.at, b.at), cmp.Compare(a.pk+a.sk, b.pk+b.sk))
			})
			for _, j := range kept {
				want = append(want, fmt.Sprintf("%s<nil>%s<nil><nil>%d%s", j.pk, j.sk, j.at, attributes))
			}
			return want
		}
		owned := func(j job) bool { return j.owner == "x" && j.at >= 0 }
		const query = `Query {"TableName":"jobs","IndexName":"by-owner","KeyConditionExpression":"#o = :o","ExpressionAttributeNames":{"#o":"owner"},
			"ExpressionAttributeValues":{":o":{"S":"x"}}}`
		const local = `Query {"TableName":"jobs","IndexName":"by-age","KeyConditionExpression":"pk = :a AND #a >= :n","ExpressionAttributeNames":{"#a":"at"},
			"ExpressionAttributeValues":{":a":{"S":"a"},":n":{"N":"1"}}`
		if diff := gocmp.Diff(jobs(owned, "[at note owner pk sk]"), pages(t, handler, query, names)); diff != "" {
			rt.Fatalf("by owner: %s", diff)
		}
		backwards := jobs(owned, "[at note owner pk sk]")
		slices.Reverse(backwards)
		if diff := gocmp.Diff(backwards, pages(t, handler, strings.TrimSuffix(query, "}")+`,"ScanIndexForward":false}`, names)); diff != "" {
			rt.Fatalf("by owner, backwards: %s", diff)
		}
		condition := rapid.SampledFrom([]struct {
			text string
			has  func(at int) bool
		}{
			{"#a = :n", func(at int) bool { return at == 1 }},
			{"#a < :n", func(at int) bool { return at < 1 }},
			{"#a <= :n", func(at int) bool { return at <= 1 }},
			{"#a > :n", func(at int) bool { return at > 1 }},
			{"#a >= :n", func(at int) bool { return at >= 1 }},
			{"#a BETWEEN :n AND :n", func(at int) bool { return at == 1 }},
		}).Draw(rt, "condition")
		chosen := jobs(func(j job) bool { return owned(j) && condition.has(j.at) }, "[at note owner pk sk]")
		forward := rapid.Bool().Draw(rt, "forward")
		if !forward {
			slices.Reverse(chosen)
		}
		ranged := strings.Replace(strings.Replace(strings.Replace(query, `#o = :o`, `#o = :o AND `+condition.text, 1), `"#o":"owner"`, `"#o":"owner","#a":"at"`, 1),
			`":o":{"S":"x"}`, `":o":{"S":"x"},":n":{"N":"1"}`, 1)
		got := pages(t, handler, strings.TrimSuffix(ranged, "}")+fmt.Sprintf(`,"ScanIndexForward":%v}`, forward), names)
		if diff := gocmp.Diff(chosen, got); diff != "" {
			rt.Fatalf("by owner, %s, forward %v: %s", condition.text, forward, diff)
		}
		sorted := func(in []string) []string { slices.Sort(in); return in }
		old := func(j job) bool { return j.pk == "a" && j.at >= 1 }
		if diff := gocmp.Diff(sorted(jobs(old, "[at pk sk]")), sorted(pages(t, handler, local+"}", names))); diff != "" {
			rt.Fatalf("by age: %s", diff)
		}
		// A local index can give whole items, by way of the table.
		if got := pages(t, handler, local+`,"Select":"ALL_ATTRIBUTES"}`, names); slices.ContainsFunc(got, func(s string) bool {
			return !strings.Contains(s, "more note")
		}) || len(got) != len(jobs(old, "")) {
			rt.Fatalf("by age, whole: %v", got)
		}
		// Another index by owner, made now, has what the first has.
		answered(t, handler, `UpdateTable {"TableName":"jobs",`+attributes+`,"GlobalSecondaryIndexUpdates":[{"Create":{`+
			strings.Replace(byOwner, "by-owner", "later", 1)+`}}]}`)
		if diff := gocmp.Diff(pages(t, handler, query, names), pages(t, handler, strings.Replace(query, "by-owner", "later", 1), names)); diff != "" {
			rt.Fatalf("made later: %s", diff)
		}
		answered(t, handler, `UpdateTable {"TableName":"jobs","GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"by-owner"}}]}`)
		if status, answer := request(t, handler, query); status != http.StatusBadRequest {
			rt.Fatalf("the index is gone, and answers %v", answer)
		}
	})
}

func TestAnIndexOfManyItemsIsMadeWhole(t *testing.T) {
	t.Parallel()
	handler := indexed(t)
	const many = 1250
	for n := 0; n < many; n += 25 {
		var puts []string
		for i := n; i < n+25; i++ {
			puts = append(puts, fmt.Sprintf(`{"PutRequest":{"Item":{"pk":{"S":"p%d"},"sk":{"S":"s"},"owner":{"S":"x"},"at":{"N":"%d"}}}}`, i, i))
		}
		answered(t, handler, `BatchWriteItem {"RequestItems":{"jobs":[`+strings.Join(puts, ",")+`]}}`)
	}
	answered(t, handler, `UpdateTable {"TableName":"jobs",`+attributes+`,"GlobalSecondaryIndexUpdates":[{"Create":{`+
		strings.Replace(byOwner, "by-owner", "later", 1)+`}}]}`)
	if got := answered(t, handler, `Scan {"TableName":"jobs","IndexName":"later","Select":"COUNT"}`)["Count"]; got != float64(many) {
		t.Errorf("the new index has %v of %d items", got, many)
	}
	table, _ := answered(t, handler, `DescribeTable {"TableName":"jobs"}`)["Table"].(map[string]any)
	raw, err := json.Marshal(table["GlobalSecondaryIndexes"])
	if err != nil || strings.Count(string(raw), fmt.Sprintf(`"ItemCount":%d,`, many)) != 2 {
		t.Errorf("indexes are described as %s (%v)", raw, err)
	}
}

func TestWritesToIndexesCost(t *testing.T) {
	t.Parallel()
	handler := indexed(t)
	for _, step := range []struct{ request, want string }{
		{`PutItem {"TableName":"jobs","Item":{"pk":{"S":"a"},"sk":{"S":"b"},"at":{"N":"1"}}`, `{"TableName":"jobs","CapacityUnits":2,"Table":{"CapacityUnits":1},"LocalSecondaryIndexes":{"by-age":{"CapacityUnits":1}}}`},
		{`PutItem {"TableName":"jobs","Item":{"pk":{"S":"a"},"sk":{"S":"b"},"at":{"N":"1"},"more":{"N":"1"}}`, `{"TableName":"jobs","CapacityUnits":1,"Table":{"CapacityUnits":1}}`},
		{
			`PutItem {"TableName":"jobs","Item":{"pk":{"S":"a"},"sk":{"S":"b"},"at":{"N":"1"},"owner":{"S":"x"}}`,
			`{"TableName":"jobs","CapacityUnits":2,"Table":{"CapacityUnits":1},"GlobalSecondaryIndexes":{"by-owner":{"CapacityUnits":1}}}`,
		},
		{
			`Scan {"TableName":"jobs","IndexName":"by-owner"`,
			`{"TableName":"jobs","CapacityUnits":0.5,"Table":{"CapacityUnits":0},"GlobalSecondaryIndexes":{"by-owner":{"CapacityUnits":0.5}}}`,
		},
	} {
		var want any
		if err := json.Unmarshal([]byte(step.want), &want); err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(want, answered(t, handler, step.request+`,"ReturnConsumedCapacity":"INDEXES"}`)["ConsumedCapacity"]); diff != "" {
			t.Errorf("%.100s: %s", step.request, diff)
		}
	}
}

// Only a table with local indexes has collections whose size counts.
func TestWritesTellOfTheirCollection(t *testing.T) {
	t.Parallel()
	handler := indexed(t)
	const size, collection = `,"ReturnItemCollectionMetrics":"SIZE"}`, `{"ItemCollectionKey":{"pk":{"S":"a"}},"SizeEstimateRangeGB":[0,1]}`
	for _, step := range []struct{ request, want string }{
		{`PutItem {"TableName":"jobs","Item":$KEY` + size, collection},
		{`UpdateItem {"TableName":"jobs","Key":$KEY` + size, collection},
		{`UpdateItem {"TableName":"jobs","Key":$KEY}`, `null`},
		{`PutItem {"TableName":"state","Item":$KEY` + size, `null`},
		{`BatchWriteItem {"RequestItems":{"jobs":[{"DeleteRequest":{"Key":$KEY}}]}` + size, `{"jobs":[` + collection + `]}`},
		{`TransactWriteItems {"TransactItems":[{"Put":{"TableName":"jobs","Item":$KEY}}]` + size, `{"jobs":[` + collection + `]}`},
	} {
		var want any
		if err := json.Unmarshal([]byte(step.want), &want); err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(want, answered(t, handler, step.request)["ItemCollectionMetrics"]); diff != "" {
			t.Errorf("%.100s: %s", step.request, diff)
		}
	}
}

// A crash may come between the deletion of a table and that of its items.
func TestWhatADeletedTableLeftIsDroppedAtTheNextStart(t *testing.T) {
	t.Parallel()
	store := memory(t)
	e := serve(t, store)
	handler := over(e.service)
	created := answered(t, handler, `CreateTable {"TableName":"gone","BillingMode":"PAY_PER_REQUEST",
		"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}]}`)
	answered(t, handler, `PutItem {"TableName":"gone","Item":{"pk":{"S":"a"}}}`)
	description, _ := created["TableDescription"].(map[string]any)
	id := fmt.Sprint(description["TableId"])
	if err := errors.Join(
		state.NewTable[any](store, "dynamodb.tables").Delete("gone"),
		state.NewTable[any](store, "dynamodb.dropped").Put(id, map[string]any{"ID": id, "Name": "gone"}),
	); err != nil {
		t.Fatal(err)
	}
	serve(t, store)
	left := 0
	count := func(string, any) bool { left++; return true }
	if err := errors.Join(
		state.NewTable[any](store, "dynamodb.items").Scan("", "", count), state.NewTable[any](store, "dynamodb.dropped").Scan("", "", count),
	); err != nil || left > 0 {
		t.Errorf("%d rows are left (%v)", left, err)
	}
}
