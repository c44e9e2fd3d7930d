package main

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// An end that comes while another run is waited for is not forgotten.
func TestAWatchRemembersTheEndsOfOthers(t *testing.T) {
	w := newWatch(io.Discard)
	for id, payload := range map[string]events.Payload{
		"second": events.WorkflowFailed{Function: "strategy", Reason: "broken"}, "first": events.WorkflowCompleted{},
	} {
		w.ends <- events.Event{ID: id + "-end", CorrelationID: id, Payload: payload}
	}
	if err := w.ended(t.Context(), "first"); err != nil {
		t.Error(err)
	}
	if err := w.ended(t.Context(), "second"); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("the second run: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.ended(ctx, "third"); err == nil {
		t.Error("a run that has not ended has ended")
	}
}
