// Package consumer makes deliveries that come at least once into effects that happen exactly once. All four functions
// handle their events through it: decode, continue the trace, claim, run the handler, keep what follows in the outbox,
// publish, mark done.
//
// A crash at any step is safe: before what follows is kept, the handler runs again and must be idempotent in its own
// effects; afterwards the kept events are published again with the same ids, and consumers drop duplicates.
//
// The package knows neither AWS nor any event type's meaning, and it does not retry: whoever delivers does.
package consumer
