package metrics_test

import "github.com/the-alchemiser/alchemiser/internal/localaws/metrics"

func Example() {
	var sink metrics.Sink = metrics.Discard{}
	sink.Count("AWS/SQS", "NumberOfMessagesSent", map[string]string{"QueueName": "orders"}, 1, "Count")
	// Output:
}
