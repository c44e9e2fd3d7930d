package localaws

import (
	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

//go:generate go -C pagegen run .

// Registry returns the services that an endpoint serves, with their operations and gaps, without starting one. It is for
// reading: the state behind the services is closed.
func Registry() ([]wire.Service, error) {
	store, err := state.Open("")
	if err != nil {
		return nil, err
	}
	v, err := newServices(&Server{store: store, clock: clock.New()}, Config{RetryScale: 1})
	if err != nil {
		return nil, err
	}
	return v.apis(), store.Close()
}
