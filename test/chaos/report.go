package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/the-alchemiser/alchemiser/test/chaos/invariants"
)

// kills counts the processes that were killed, by function.
func (k *soak) kills(ctx context.Context) (map[string]int, error) {
	kills := map[string]int{}
	for _, f := range k.functions {
		n, err := k.killed(ctx, f.Name)
		if err != nil {
			return nil, err
		}
		kills[f.Name] = n
	}
	return kills, nil
}

// report writes what was done and what came of it.
func (k *soak) report(out io.Writer, s invariants.Snapshot, kills map[string]int, violations []string, took time.Duration) {
	t := table.NewWriter()
	t.SetOutputMirror(out)
	t.SetStyle(table.StyleLight)
	t.AppendRow(table.Row{"workflows", len(k.runs)})
	t.AppendRow(table.Row{"orders", k.placed})
	t.AppendRow(table.Row{"events", len(s.Events)})
	t.AppendSeparator()
	for _, f := range k.functions {
		t.AppendRow(table.Row{"kill -9 of " + f.Name, kills[f.Name]})
	}
	for _, name := range sortedKeys(k.struck) {
		t.AppendRow(table.Row{name, k.struck[name]})
	}
	t.AppendSeparator()
	retries := 0
	for _, c := range s.Claims {
		retries += max(0, c.Attempts-1)
	}
	t.AppendRow(table.Row{"retries", retries})
	for _, shape := range sortedKeys(k.shapes) {
		t.AppendRow(table.Row{"dead letters, " + string(shape), k.shapes[shape]})
	}
	t.AppendRow(table.Row{"redriven", k.redriven})
	t.AppendRow(table.Row{"events replayed", len(s.Replay.Events)})
	t.AppendRow(table.Row{"orders from the replay", s.Replay.NewOrders})
	t.AppendSeparator()
	t.AppendRow(table.Row{"violations", len(violations)})
	t.AppendRow(table.Row{"seed", k.seed})
	t.AppendRow(table.Row{"duration", took.Round(time.Second)})
	t.Render()
	for _, v := range violations {
		fmt.Fprintln(out, "VIOLATION", v)
	}
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
