// Package conformance_test holds adapters to the contracts of the ports that they implement, against the local endpoint.
package conformance_test

import (
	"context"
	"log"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/the-alchemiser/alchemiser/internal/consumer/consumertest"
	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	served "github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
	"github.com/the-alchemiser/alchemiser/internal/store"
)

const table = "alchemiser-state-test"

func TestStoreKeepsClaims(t *testing.T) {
	consumertest.TestClaims(t, newStore(t, dynamo(t), time.Now))
}

func newStore(t *testing.T, client store.Client, now func() time.Time) *store.Store {
	t.Helper()
	s, err := store.New(store.Config{Client: client, Table: table, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// dynamo returns a client of the endpoint's DynamoDB with the state table in it.
func dynamo(t *testing.T) *dynamodb.Client {
	t.Helper()
	kept, err := state.Open("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kept.Close(); err != nil {
			t.Error(err)
		}
	})
	service, err := served.New(served.Config{Store: kept, Clock: clock.New()})
	if err != nil {
		t.Fatal(err)
	}
	root := func(context.Context, string) (wire.Caller, bool) { return wire.Caller{AccessKeyID: "test"}, true }
	server := httptest.NewServer(wire.NewHandler([]wire.Service{service.API()}, root, log.New(t.Output(), "", 0)))
	t.Cleanup(server.Close)
	client := dynamodb.New(dynamodb.Options{
		BaseEndpoint: &server.URL, Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	_, err = client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String(table), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}
