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

// ReplayName returns the name of the replay that the event that is being handled belongs to, or "": it has happened before,
// and handling it again must have no effect that people or brokers see.
func ReplayName(ctx context.Context) string {
	name, _ := ctx.Value(replayKey{}).(string)
	return name
}
