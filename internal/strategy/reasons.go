package strategy

import (
	"fmt"

	"github.com/the-alchemiser/alchemiser/pkg/events"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

// maxReasons is what the reasons of all strategies may take, in bytes: three quarters of the largest event.
const maxReasons = events.DefaultSizeLimit * 3 / 4

// envelopeOfReason is what a reason takes beside its path and text: {"path":"","text":""}, and quotes that are escaped.
const envelopeOfReason = 32

// bounded returns the first of reasons, as many as fit into limit bytes, and says how many are left out.
func bounded(reasons []symphony.Reason, limit int) []events.Reason {
	out := make([]events.Reason, 0, len(reasons))
	size := 0
	for i, r := range reasons {
		size += len(r.Path) + len(r.Text) + envelopeOfReason
		if size > limit {
			return append(out, events.Reason{
				Path: "…",
				Text: fmt.Sprintf("%d further decisions are left out, as an event has no room for them: `alchemiser signals` shows all", len(reasons)-i),
			})
		}
		out = append(out, events.Reason(r))
	}
	return out
}
