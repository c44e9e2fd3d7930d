package lambda

import (
	"errors"
	"net/http"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

const namespace = "AWS/Lambda"

// measure counts what happened to a function. https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
func (s *Service) measure(function, metric string, value float64, unit string) {
	if s.cfg.Metrics != nil {
		s.cfg.Metrics.Count(namespace, metric, map[string]string{"FunctionName": function}, value, unit)
	}
}

// measureConcurrency notes how many invocations run: of a function, and of all, which has no dimension.
func (s *Service) measureConcurrency(function string, own, all int) {
	s.measure(function, "ConcurrentExecutions", float64(own), "Count")
	if s.cfg.Metrics != nil {
		s.cfg.Metrics.Count(namespace, "ConcurrentExecutions", nil, float64(all), "Count")
	}
}

// measureInvocation counts an invocation that ran, or one that was throttled.
func (s *Service) measureInvocation(function string, r result, err error) {
	var refused *wire.Error
	if errors.As(err, &refused) && refused.Status == http.StatusTooManyRequests {
		s.measure(function, "Throttles", 1, "Count")
	}
	if err != nil {
		return
	}
	failures := 0.0
	if r.failed() {
		failures = 1
	}
	s.measure(function, "Invocations", 1, "Count")
	s.measure(function, "Errors", failures, "Count")
	s.measure(function, "Throttles", 0, "Count")
	s.measure(function, "Duration", float64(r.Duration)/float64(time.Millisecond), "Milliseconds")
}

// measureUndelivered counts a record that no destination, or no dead letter queue, will get.
func (s *Service) measureUndelivered(function string, o outgoing) {
	metric := "DestinationDeliveryFailures"
	if o.Attributes != nil { // only dead letters have them
		metric = "DeadLetterErrors"
	}
	s.measure(function, metric, 1, "Count")
}
