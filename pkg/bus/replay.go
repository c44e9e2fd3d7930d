package bus

import "context"

type replayKey struct{}

// WithReplay returns a context in which the event that is being handled comes from an archive, by the replay name. An empty
// name changes nothing.
func WithReplay(ctx context.Context, name string) context.Context {
	if name == "" {
		return ctx
	}
	return context.WithValue(ctx, replayKey{}, name)
}

// IsReplay says whether the event that is being handled comes from an archive: it has happened before, and handling it
// again must have no effect that people or brokers see.
func IsReplay(ctx context.Context) bool {
	_, ok := ctx.Value(replayKey{}).(string)
	return ok
}
