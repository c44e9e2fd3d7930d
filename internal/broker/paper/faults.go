package paper

import (
	"context"
	"net/http"
	"slices"
	"sync"

	"github.com/shopspring/decimal"
)

// The kinds of faults.
const (
	// kindStatus answers with a status and does nothing.
	kindStatus = "status"
	// kindLost closes the connection and does nothing.
	kindLost = "lost"
	// kindDrop does what is asked for and closes the connection instead of answering.
	kindDrop = "drop"
	// kindPartial accepts an order of which only half will ever be filled.
	kindPartial = "partial"
	// kindRest accepts an order that will never be filled.
	kindRest = "rest"
)

const postOrders = "POST /v2/orders"

// fault is what goes wrong with the next requests of a route.
type fault struct {
	// Route is a method and a path as the server registers it: "GET /v2/orders/{id}".
	Route string `json:"route"`
	Kind  string `json:"kind"`
	// Status is for kind status alone.
	Status int `json:"status,omitempty"`
	// Times is how many requests it still hits.
	Times int `json:"times"`
}

func (f fault) check(known func(route string) bool) error {
	bad := func(format string, args ...any) error {
		return refuse(http.StatusUnprocessableEntity, codeMalformed, format, args...)
	}
	switch {
	case !known(f.Route):
		return bad("route %q is not served; want a method and a path such as %q", f.Route, postOrders)
	case f.Times < 1:
		return bad("times is %d, want 1 or more", f.Times)
	case f.Kind == kindStatus && (f.Status < 400 || f.Status > 599):
		return bad("status is %d, want 400 to 599", f.Status)
	case f.Kind != kindStatus && f.Status != 0:
		return bad("status goes with kind status alone")
	case (f.Kind == kindPartial || f.Kind == kindRest) && f.Route != postOrders:
		return bad("kind %s is for %q alone", f.Kind, postOrders)
	case !slices.Contains([]string{kindStatus, kindLost, kindDrop, kindPartial, kindRest}, f.Kind):
		return bad("kind is %q, want status, lost, drop, partial or rest", f.Kind)
	}
	return nil
}

type fillableKey struct{}

// attach tells the handler how much of the order may be filled.
func (f fault) attach(r *http.Request) *http.Request {
	switch f.Kind {
	case kindPartial:
		return r.WithContext(context.WithValue(r.Context(), fillableKey{}, decimal.New(5, -1)))
	case kindRest:
		return r.WithContext(context.WithValue(r.Context(), fillableKey{}, decimal.Zero))
	}
	return r
}

func fillable(r *http.Request) decimal.Decimal {
	if d, ok := r.Context().Value(fillableKey{}).(decimal.Decimal); ok {
		return d
	}
	return decimal.NewFromInt(1)
}

// faults are what was asked for and has not happened yet, in the order of asking. They are safe for concurrent use.
type faults struct {
	mu    sync.Mutex
	armed []fault
}

// take returns the fault for the next request of route, or the zero fault.
func (fs *faults) take(route string) fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	i := slices.IndexFunc(fs.armed, func(f fault) bool { return f.Route == route })
	if i < 0 {
		return fault{}
	}
	f := fs.armed[i]
	if fs.armed[i].Times--; fs.armed[i].Times == 0 {
		fs.armed = slices.Delete(fs.armed, i, i+1)
	}
	return f
}

func (fs *faults) add(f fault) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.armed = append(fs.armed, f)
}

func (fs *faults) clear() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.armed = nil
}

func (fs *faults) list() []fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return append([]fault{}, fs.armed...)
}
