package main

import (
	"strings"
	"testing"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/deployed"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
)

func TestAModeMustFitWhatIsDeployed(t *testing.T) {
	functions := func(mode string, rules bool) []deployed.Function {
		env := map[string]string{"MODE": mode}
		return []deployed.Function{
			{Name: "strategy", Environment: env, Rule: "started", RuleEnabled: rules},
			{Name: "portfolio", Environment: env, Rule: "signal", RuleEnabled: rules},
			{Name: "execution", Environment: env, Rule: "planned", RuleEnabled: rules},
			{Name: "monitor", Environment: env, Rule: "all", RuleEnabled: true},
		}
	}
	for name, tt := range map[string]struct {
		mode  bus.Mode
		there []deployed.Function
		want  string // part of the error; empty means that it fits
	}{
		"memory beside nothing":            {bus.ModeMemory, nil, ""},
		"memory beside shadows":            {bus.ModeMemory, functions("shadow", true), ""},
		"memory after a rollback":          {bus.ModeMemory, functions("live", false), ""},
		"memory beside live functions":     {bus.ModeMemory, functions("live", true), "started, signal, planned"},
		"dual beside shadows":              {bus.ModeDual, functions("shadow", true), ""},
		"dual beside live functions":       {bus.ModeDual, functions("live", false), "mode=shadow"},
		"eventbridge instead of functions": {bus.ModeEventBridge, functions("live", false), ""},
		"eventbridge beside functions":     {bus.ModeEventBridge, functions("live", true), "mode=hosted"},
		"eventbridge beside shadows":       {bus.ModeEventBridge, functions("shadow", true), "mode=hosted"},
		"a mode that is none":              {"fast", nil, "want memory, dual or eventbridge"},
	} {
		t.Run(name, func(t *testing.T) {
			err := fits(tt.mode, tt.there)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("fits = %v, want %q", err, tt.want)
			}
		})
	}
}
