package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
)

// kills is how many function processes were killed.
func (k *soak) kills() (n int) {
	for _, s := range k.struck {
		if s.Fault == "kill" {
			n += s.Injected
		}
	}
	return n
}

func (k *soak) redriven() (n int) {
	for _, letters := range k.letters {
		n += letters
	}
	return n
}

// report writes what was done and what came of it.
func (k *soak) report(out io.Writer, took time.Duration) {
	t := table.NewWriter()
	t.SetOutputMirror(out)
	t.SetStyle(table.StyleLight)
	t.AppendRow(table.Row{"workflows", k.done})
	t.AppendRow(table.Row{"orders", k.placed})
	byFault := map[string]int{}
	for _, s := range k.struck {
		byFault[faultName(s.rule)] += s.Injected
	}
	for _, name := range sortedKeys(byFault) {
		t.AppendRow(table.Row{name, byFault[name]})
	}
	for _, name := range sortedKeys(k.broken) {
		t.AppendRow(table.Row{"broker: " + name, k.broken[name]})
	}
	for _, shape := range sortedKeys(k.letters) {
		t.AppendRow(table.Row{"dead letters (" + string(shape) + "), redriven", k.letters[shape]})
	}
	t.AppendRow(table.Row{"events replayed, orders from them", fmt.Sprintf("%d, 0", k.replayed)})
	t.AppendRow(table.Row{"violations", len(k.violations)})
	t.Render()
	for _, v := range k.violations {
		fmt.Fprintln(out, "VIOLATION", v)
	}
	fmt.Fprintf(out, "%s, seed %d\n", took.Round(time.Second), k.seed)
}

// faultName says what a rule does, in the words of the report.
func faultName(r rule) string {
	name := r.Fault
	if r.Service != "" && r.Fault != "kill" {
		name += " " + r.Service
	}
	if r.Fault == "kill" {
		name += " " + strings.TrimSuffix(strings.TrimPrefix(r.Function, "alchemiser-"), "-*")
	}
	return name
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
