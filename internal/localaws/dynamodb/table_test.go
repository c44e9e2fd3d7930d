package dynamodb_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
)

func TestItemsExpire(t *testing.T) {
	t.Parallel()
	e := serveTable(t, "S")
	now := e.clock.Now()
	at := func(d time.Duration) types.AttributeValue { return &num{Value: fmt.Sprint(now.Add(d).Unix())} }
	e.put(t, with(key("a", "before the switch"), "ttl", at(time.Hour)))
	_, err := e.UpdateTimeToLive(t.Context(), &client.UpdateTimeToLiveInput{
		TableName: table, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("ttl"), Enabled: aws.Bool(true)},
	})
	if err != nil {
		t.Fatal(err)
	}
	e.put(t, with(key("a", "soon"), "ttl", at(time.Hour)))
	e.put(t, with(key("a", "prolonged"), "ttl", at(time.Hour)))
	e.put(t, with(key("a", "prolonged"), "ttl", at(3*time.Hour)))
	e.put(t, with(key("a", "text"), "ttl", &str{Value: "1"}))
	e.put(t, key("a", "for ever"))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.service.Run(ctx) }()
	e.clock.Set(now.Add(2 * time.Hour))
	for e.get(t, key("a", "soon")) != nil || e.get(t, key("a", "before the switch")) != nil {
		continue // every look is a request, the test's own deadline ends a vain wait
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, sk := range []string{"prolonged", "text", "for ever"} {
		if e.get(t, key("a", sk)) == nil {
			t.Errorf("%q expired", sk)
		}
	}
}

func TestEverythingIsThereAfterARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	create := func(e endpoint, name string) {
		t.Helper()
		_, err := e.CreateTable(t.Context(), &client.CreateTableInput{
			TableName: &name, BillingMode: types.BillingModePayPerRequest, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
			KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}},
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	store, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	e := serve(t, store)
	create(e, "state")
	create(e, "gone")
	e.put(t, item{"pk": &str{Value: "a"}})
	if _, err := e.PutItem(t.Context(), &client.PutItemInput{TableName: aws.String("gone"), Item: item{"pk": &str{Value: "a"}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.DeleteTable(t.Context(), &client.DeleteTableInput{TableName: aws.String("gone")}); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if store, err = state.Open(dir); err != nil {
		t.Fatal(err)
	}
	defer store.Close() //nolint:errcheck // nothing is written after the assertions
	e = serve(t, store)
	if e.get(t, item{"pk": &str{Value: "a"}}) == nil {
		t.Error("the item is gone")
	}
	create(e, "gone")
	out, err := e.DescribeTable(t.Context(), &client.DescribeTableInput{TableName: aws.String("gone")})
	if err != nil || *out.Table.ItemCount != 0 {
		t.Errorf("a new table holds items of an old one: %+v, %v", out, err)
	}
	arns, err := e.service.Inventory()
	if err != nil || fmt.Sprint(arns) != "[arn:aws:dynamodb:us-east-1:000000000000:table/gone arn:aws:dynamodb:us-east-1:000000000000:table/state]" {
		t.Errorf("inventory %v, %v", arns, err)
	}
}

func TestWhatTerraformAsksOfATable(t *testing.T) {
	t.Parallel()
	e := serveTable(t, "S")
	ctx := t.Context()
	described, err := e.DescribeTable(ctx, &client.DescribeTableInput{TableName: table})
	if err != nil {
		t.Fatal(err)
	}
	d := described.Table
	if d.TableStatus != types.TableStatusActive || d.BillingModeSummary.BillingMode != types.BillingModePayPerRequest ||
		*d.TableArn != "arn:aws:dynamodb:us-east-1:000000000000:table/state" || len(d.KeySchema) != 2 || len(d.AttributeDefinitions) != 2 {
		t.Errorf("%+v", d)
	}
	_, err = e.UpdateContinuousBackups(ctx, &client.UpdateContinuousBackupsInput{
		TableName: table, PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)},
	})
	if err != nil {
		t.Fatal(err)
	}
	backups, err := e.DescribeContinuousBackups(ctx, &client.DescribeContinuousBackupsInput{TableName: table})
	if err != nil || backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus != "ENABLED" {
		t.Errorf("%+v, %v", backups, err)
	}
	ttl, err := e.DescribeTimeToLive(ctx, &client.DescribeTimeToLiveInput{TableName: table})
	if err != nil || ttl.TimeToLiveDescription.TimeToLiveStatus != types.TimeToLiveStatusDisabled {
		t.Errorf("%+v, %v", ttl, err)
	}
	if _, err := e.TagResource(ctx, &client.TagResourceInput{ResourceArn: d.TableArn, Tags: []types.Tag{
		{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("2")},
	}}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.UntagResource(ctx, &client.UntagResourceInput{ResourceArn: d.TableArn, TagKeys: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	tags, err := e.ListTagsOfResource(ctx, &client.ListTagsOfResourceInput{ResourceArn: d.TableArn})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Key != "b" {
		t.Errorf("%+v, %v", tags, err)
	}
	if _, err := e.UpdateTable(ctx, &client.UpdateTableInput{TableName: table, DeletionProtectionEnabled: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.DeleteTable(ctx, &client.DeleteTableInput{TableName: table}); err == nil {
		t.Error("a protected table was deleted")
	}
	_, err = e.DescribeTable(ctx, &client.DescribeTableInput{TableName: aws.String("gone")})
	refused(t, err, "ResourceNotFoundException", "Requested resource not found: Table: gone not found")
}

func TestNoUpdateIsLost(t *testing.T) {
	t.Parallel()
	e := serveTable(t, "S")
	const writers, each = 16, 100
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				_, err := e.UpdateItem(t.Context(), &client.UpdateItemInput{
					TableName: table, Key: key("a", "count"), UpdateExpression: aws.String("ADD n :1"),
					ExpressionAttributeValues: item{":1": &num{Value: "1"}},
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := e.get(t, key("a", "count"))["n"]; !cmp.Equal(got, &num{Value: fmt.Sprint(writers * each)}, ignored) {
		t.Errorf("%d updates made %v", writers*each, got)
	}
}
