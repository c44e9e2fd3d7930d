package strategy

import (
	"encoding/json"
	"fmt"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

// maxReasons is what the reasons of all strategies may take, in bytes: three quarters of the largest event.
const maxReasons = events.DefaultSizeLimit * 3 / 4

// bounded returns the first of reasons, as many as fit into limit bytes, and says how many are left out.
func bounded(reasons []symphony.Reason, limit int) []events.Reason {
	out := make([]events.Reason, 0, len(reasons))
	size := 0
	for i, r := range reasons {
		text, err := json.Marshal(events.Reason(r)) // names of groups may be full of what JSON escapes
		if size += len(text) + len(","); err != nil || size > limit {
			return append(out, events.Reason{
				Path: "…",
				Text: fmt.Sprintf("%d further decisions are left out, as an event has no room for them: `alchemiser signals --symphony` shows all", len(reasons)-i),
			})
		}
		out = append(out, events.Reason(r))
	}
	return out
}
