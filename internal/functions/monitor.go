package functions

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/internal/notify"
	"github.com/the-alchemiser/alchemiser/internal/nyse"
)

// stalledAfter is longer than the longest pause between two events of a workflow that lives: execution's three attempts
// of ten minutes each, with Lambda's pauses of three minutes between them.
const stalledAfter = 35 * time.Minute

// Monitor wires the function that records every event and tells people.
func Monitor(f *Function) (Service, error) {
	people, err := notify.New(sns.NewFromConfig(f.AWS), f.Config.NotifyTopicARN)
	if err != nil {
		return Service{}, err
	}
	calendar, err := nyse.New()
	if err != nil {
		return Service{}, err
	}
	service, err := monitor.New(monitor.Config{
		Timeline: f.Store, Workflows: f.Store, Notifier: people, Meter: f.Meter, Calendar: calendar, Portfolio: f.Config.Portfolio.ID,
		StalledAfter: stalledAfter, Now: time.Now,
	})
	if err != nil {
		return Service{}, err
	}
	return Service{Handle: service.Handle, Observer: true, Watchdog: service.Watchdog}, nil
}
