package dynamodb_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb"
)

// counts is a fake metrics.Sink: it adds up. Requests come one after the other.
type counts map[string]float64

func (c counts) Count(namespace, name string, dimensions map[string]string, value float64, _ string) {
	c[fmt.Sprint(namespace, " ", name, " ", dimensions)] += value
}

func (c counts) CountAt(_ time.Time, namespace, name string, dimensions map[string]string, value float64, unit string) {
	c.Count(namespace, name, dimensions, value, unit)
}

func TestWhatRequestsCostIsCounted(t *testing.T) {
	t.Parallel()
	got := counts{}
	s, err := dynamodb.New(dynamodb.Config{Store: memory(t), Clock: clock.New(), Metrics: got})
	if err != nil {
		t.Fatal(err)
	}
	handler := over(s)
	answered(t, handler, `CreateTable {"TableName":"jobs","BillingMode":"PAY_PER_REQUEST",
		"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],
		"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"owner","AttributeType":"S"}],
		"GlobalSecondaryIndexes":[{"IndexName":"by-owner","KeySchema":[{"AttributeName":"owner","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}]}`)
	put := `PutItem {"TableName":"jobs","Item":{"pk":{"S":"a"},"owner":{"S":"x"}},"ConditionExpression":"attribute_not_exists(pk)"}`
	if answer := answered(t, handler, put); answer["ConsumedCapacity"] != nil {
		t.Errorf("nobody asked, and the answer is %v", answer)
	}
	if status, answer := request(t, handler, put); status != http.StatusBadRequest {
		t.Errorf("the second put was accepted: %v", answer)
	}
	answered(t, handler, `GetItem {"TableName":"jobs","Key":{"pk":{"S":"a"}}}`)
	if diff := cmp.Diff(counts{
		"AWS/DynamoDB ConsumedWriteCapacityUnits map[TableName:jobs]":                                   1,
		"AWS/DynamoDB ConsumedWriteCapacityUnits map[GlobalSecondaryIndexName:by-owner TableName:jobs]": 1,
		"AWS/DynamoDB ConditionalCheckFailedRequests map[TableName:jobs]":                               1,
		"AWS/DynamoDB ConsumedReadCapacityUnits map[TableName:jobs]":                                    0.5,
	}, got); diff != "" {
		t.Error(diff)
	}
}
