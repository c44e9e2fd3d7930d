package monitor_test

import (
	"context"
	"fmt"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/monitor"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

func Example() {
	store, people := &fakeStore{}, &fakeMail{}
	service, err := monitor.New(monitor.Config{
		Timeline: store, Workflows: store, Notifier: people, Meter: &fakeMeter{}, Calendar: week{}, Portfolio: "main", StalledAfter: time.Hour, Now: time.Now,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = service.Handle(context.Background(), event(events.WorkflowCompleted{
		PortfolioID: "main", TradingDate: "2024-12-02", Outcome: events.OutcomeNothingToDo, Reason: "every holding is on its target",
	}))
	fmt.Println(store.entries[0].Summary, err)
	fmt.Println(people.sent[0].subject)
	// Output:
	// nothing to do: every holding is on its target <nil>
	// Alchemiser main 2024-12-02: nothing to do
}
