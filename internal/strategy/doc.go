// Package strategy turns the start of a workflow into target weights: it decides by the broker's clock and calendar
// whether the day's run may begin, claims the run, evaluates the portfolio's symphonies on completed daily bars and
// merges them.
//
// It does not fetch prices, know AWS or read a clock of its own: what it needs are the ports in ports.go.
package strategy
