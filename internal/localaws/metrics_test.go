package localaws_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eb "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/the-alchemiser/alchemiser/internal/localaws"
)

// What events and queues do is to be read from CloudWatch, as on AWS.
func TestServicesReportMetrics(t *testing.T) {
	running := start(t, localaws.Config{})
	events, queues, metrics := eventbridge.NewFromConfig(running.cfg), sqs.NewFromConfig(running.cfg), cloudwatch.NewFromConfig(running.cfg)
	queue, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName: aws.String("measured"), Attributes: map[string]string{"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
			"Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}]}`},
	})
	if err != nil {
		t.Fatal(err)
	}
	bus, rule := aws.String("trades"), aws.String("all")
	if _, err := events.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: bus}); err != nil {
		t.Fatal(err)
	}
	if _, err := events.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: rule, EventBusName: bus, EventPattern: aws.String(`{"source":["test"]}`)}); err != nil {
		t.Fatal(err)
	}
	if _, err := events.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: rule, EventBusName: bus, Targets: []eb.Target{
		{Id: aws.String("q"), Arn: aws.String("arn:aws:sqs:us-east-1:000000000000:measured")},
		{Id: aws.String("gone"), Arn: aws.String("arn:aws:sqs:us-east-1:000000000000:gone")},
	}}); err != nil {
		t.Fatal(err)
	}
	if _, err := events.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []eb.PutEventsRequestEntry{
		{EventBusName: bus, Source: aws.String("test"), DetailType: aws.String("T"), Detail: aws.String("{}")},
	}}); err != nil {
		t.Fatal(err)
	}
	if out, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, WaitTimeSeconds: 10}); err != nil || len(out.Messages) != 1 {
		t.Fatalf("received %+v, %v", out, err)
	}
	ofRule := []cw.Dimension{{Name: aws.String("EventBusName"), Value: bus}, {Name: aws.String("RuleName"), Value: rule}}
	ofQueue := []cw.Dimension{{Name: aws.String("QueueName"), Value: aws.String("measured")}}
	for _, tt := range []struct {
		namespace, name string
		dimensions      []cw.Dimension
		want            float64
	}{
		{"AWS/Events", "MatchedEvents", ofRule, 1},
		{"AWS/Events", "Invocations", ofRule, 2},
		{"AWS/Events", "FailedInvocations", ofRule, 1},
		{"AWS/SQS", "NumberOfMessagesSent", ofQueue, 1},
		{"AWS/SQS", "NumberOfMessagesReceived", ofQueue, 1},
	} {
		var got float64
		for range 100 { // deliveries end in their own time
			out, err := metrics.GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
				Namespace: &tt.namespace, MetricName: &tt.name, Dimensions: tt.dimensions, Period: aws.Int32(3600), Statistics: []cw.Statistic{"Sum"},
				StartTime: aws.Time(time.Now().Add(-30 * time.Minute)), EndTime: aws.Time(time.Now().Add(time.Minute)),
			})
			if err != nil {
				t.Fatal(err)
			}
			if got = 0; len(out.Datapoints) == 1 {
				got = *out.Datapoints[0].Sum
			}
			if got == tt.want {
				break
			}
		}
		if got != tt.want {
			t.Errorf("%s %s = %g, want %g", tt.namespace, tt.name, got, tt.want)
		}
	}
}
