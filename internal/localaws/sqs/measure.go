package sqs

import "time"

// gaugeEvery is how often the depth of a queue is looked at, so that no minute is without it.
const gaugeEvery = 10 * time.Second

// measure counts what happened to a queue.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
func (s *Service) measure(q *queue, metric string, value float64) {
	if s.cfg.Metrics != nil {
		s.cfg.Metrics.Count("AWS/SQS", metric, map[string]string{"QueueName": q.snapshot().Name}, value, "Count")
	}
}

// gauge notes how full a queue is.
func (s *Service) gauge(q *queue) {
	visible, inFlight, delayed := q.counts(s.now())
	s.measure(q, "ApproximateNumberOfMessagesVisible", float64(visible))
	s.measure(q, "ApproximateNumberOfMessagesNotVisible", float64(inFlight))
	s.measure(q, "ApproximateNumberOfMessagesDelayed", float64(delayed))
}
