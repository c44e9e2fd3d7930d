package simulation_test

import "fmt"

// counts are what a world has seen: a simulation in which nothing happens shows nothing.
type counts struct {
	worlds                                int
	workflows, failed, traded, orders     int
	deaths, lost, throttled, late, copies int
	redrives, replays                     int
	steps                                 int
}

func (c *counts) add(o counts) {
	c.worlds++
	c.workflows += o.workflows
	c.failed += o.failed
	c.traded += o.traded
	c.orders += o.orders
	c.deaths += o.deaths
	c.lost += o.lost
	c.throttled += o.throttled
	c.late += o.late
	c.copies += o.copies
	c.redrives += o.redrives
	c.replays += o.replays
	c.steps += o.steps
}

// everything says whether all that a simulation is about has happened.
func (c counts) everything() bool {
	return min(c.traded, c.failed, c.deaths, c.lost, c.late, c.throttled, c.copies, c.redrives, c.replays) > 0
}

// String says it in words.
func (c counts) String() string {
	return fmt.Sprintf("%d worlds, %d workflows, %d of them traded with %d orders, %d failed attempts, %d steps; %d processes died, %d requests or answers were lost, "+
		"%d came late, %d were refused; %d events were delivered twice, %d redriven, %d whole days replayed",
		max(c.worlds, 1), c.workflows, c.traded, c.orders, c.failed, c.steps, c.deaths, c.lost, c.late, c.throttled, c.copies, c.redrives, c.replays)
}
