package dynamodb_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// decoded reads the input of an operation.
func decoded[I any](t *testing.T, text string) (in I) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		t.Fatal(err)
	}
	return in
}

// Conditions of policies see which partitions and attributes a request is about, and what it wants to see.
func TestPoliciesSeeWhatARequestIsAbout(t *testing.T) {
	t.Parallel()
	s, err := dynamodb.New(dynamodb.Config{Store: memory(t), Clock: clock.New()})
	if err != nil {
		t.Fatal(err)
	}
	handler := over(s)
	answered(t, handler, createIndexed)
	const table = "arn:aws:dynamodb:us-east-1:000000000000:table/jobs"
	const key = `{"pk":{"S":"a"},"sk":{"S":"b"}}`
	type context = map[string][]string
	for _, tt := range []struct {
		operation string
		in        any
		want      []wire.Access
	}{
		{
			"GetItem", decoded[dynamodb.ReadInput](t, `{"TableName":"jobs","Key":`+key+`,"ProjectionExpression":"note, #d.x","ExpressionAttributeNames":{"#d":"deep"}}`),
			[]wire.Access{{Action: "dynamodb:GetItem", Resource: table, Context: context{
				"dynamodb:LeadingKeys": {"a"}, "dynamodb:Attributes": {"deep", "note", "pk", "sk"}, "dynamodb:Select": {"SPECIFIC_ATTRIBUTES"},
			}}},
		},
		{
			"Query", decoded[dynamodb.ReadInput](t, `{"TableName":"jobs","IndexName":"by-owner","KeyConditionExpression":"#o = :o",
				"FilterExpression":"note = :o","ExpressionAttributeNames":{"#o":"owner"},"ExpressionAttributeValues":{":o":{"S":"x"}},"ReturnConsumedCapacity":"TOTAL"}`),
			[]wire.Access{{Action: "dynamodb:Query", Resource: table + "/index/by-owner", Context: context{
				"dynamodb:LeadingKeys": {"x"}, "dynamodb:Attributes": {"note", "owner"}, "dynamodb:Select": {"ALL_PROJECTED_ATTRIBUTES"},
				"dynamodb:ReturnConsumedCapacity": {"TOTAL"},
			}}},
		},
		{
			"UpdateItem", decoded[dynamodb.WriteInput](t, `{"TableName":"jobs","Key":`+key+`,"UpdateExpression":"SET note = :n REMOVE l[0]",
				"ConditionExpression":"attribute_exists(more)","ExpressionAttributeValues":{":n":{"S":"x"}},"ReturnValues":"ALL_OLD"}`),
			[]wire.Access{{Action: "dynamodb:UpdateItem", Resource: table, Context: context{
				"dynamodb:LeadingKeys": {"a"}, "dynamodb:Attributes": {"l", "more", "note", "pk", "sk"}, "dynamodb:ReturnValues": {"ALL_OLD"},
			}}},
		},
		{
			"TransactWriteItems", decoded[dynamodb.TransactWriteInput](t, `{"TransactItems":[{"Put":{"TableName":"jobs","Item":`+key+`}},
				{"ConditionCheck":{"TableName":"jobs","Key":`+key+`,"ConditionExpression":"attribute_exists(note)"}}]}`),
			[]wire.Access{
				{Action: "dynamodb:PutItem", Resource: table, Context: context{
					"dynamodb:LeadingKeys": {"a"}, "dynamodb:Attributes": {"pk", "sk"}, "dynamodb:EnclosingOperation": {"TransactWriteItems"},
				}},
				{Action: "dynamodb:ConditionCheckItem", Resource: table, Context: context{
					"dynamodb:LeadingKeys": {"a"}, "dynamodb:Attributes": {"note", "pk", "sk"}, "dynamodb:EnclosingOperation": {"TransactWriteItems"},
				}},
			},
		},
	} {
		if diff := cmp.Diff(tt.want, s.API().Access(t.Context(), tt.operation, tt.in)); diff != "" {
			t.Errorf("%s: %s", tt.operation, diff)
		}
	}
}
