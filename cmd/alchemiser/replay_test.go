package main

import (
	"slices"
	"strings"
	"testing"
)

func TestWhichRulesAReplayGoesTo(t *testing.T) {
	t.Parallel()
	o := &operator{stage: "test"}
	for name, c := range map[string]struct {
		opts replayOptions
		want []string
		err  string
	}{
		"by function and by name": {opts: replayOptions{rules: []string{"strategy", "alchemiser-signal-generated-test"}}, want: []string{"alchemiser-signal-generated-test", "alchemiser-workflow-started-test"}},
		"one twice":               {opts: replayOptions{rules: []string{"strategy", "strategy"}}, want: []string{"alchemiser-workflow-started-test"}},
		"execution unasked":       {opts: replayOptions{rules: []string{"execution"}}, err: "--include-execution"},
		"execution by name":       {opts: replayOptions{rules: []string{"alchemiser-rebalance-planned-test"}}, err: "--include-execution"},
		"execution":               {opts: replayOptions{rules: []string{"execution"}, execution: true}, want: []string{"alchemiser-rebalance-planned-test"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := replayedRules(o, c.opts)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("%v, %v, want an error with %q", got, err, c.err)
				}
				return
			}
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%v, %v, want %v", got, err, c.want)
			}
		})
	}
}
