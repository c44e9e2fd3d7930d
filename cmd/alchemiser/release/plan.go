package release

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/naming"
)

// Change is what Terraform would do to one resource.
type Change struct {
	Address string `json:"address"`
	// Action is create, update, replace or delete.
	Action string `json:"action"`
	// Attributes are those that would change, by name.
	Attributes []string `json:"attributes"`
}

// Plan is what a deployment would change.
type Plan struct {
	// Changes are in the function's module, Others are not: a deployment of one function has none.
	Changes []Change `json:"changes"`
	Others  []Change `json:"others"`
}

// Module is the address of a function's module.
func Module(f naming.Function) string { return fmt.Sprintf("module.function[%q]", string(f)) }

// document is the part of a plan's JSON that says what would change: https://developer.hashicorp.com/terraform/internals/json-format
type document struct {
	FormatVersion   string `json:"format_version"`
	ResourceChanges []struct {
		Address       string `json:"address"`
		ModuleAddress string `json:"module_address"`
		Change        struct {
			Actions      []string       `json:"actions"`
			Before       map[string]any `json:"before"`
			After        map[string]any `json:"after"`
			AfterUnknown map[string]any `json:"after_unknown"`
		} `json:"change"`
	} `json:"resource_changes"`
}

// ReadPlan reads the JSON of a Terraform plan as a deployment of f.
func ReadPlan(raw []byte, f naming.Function) (Plan, error) {
	var plan document
	if err := json.Unmarshal(raw, &plan); err != nil {
		return Plan{}, fmt.Errorf("read Terraform's plan: %w", err)
	}
	if !strings.HasPrefix(plan.FormatVersion, "1.") {
		return Plan{}, fmt.Errorf("read Terraform's plan: format version %q, want 1.x", plan.FormatVersion)
	}
	p := Plan{Changes: []Change{}, Others: []Change{}}
	for _, r := range plan.ResourceChanges {
		change := Change{Address: r.Address, Action: action(r.Change.Actions), Attributes: attributes(r.Change.Before, r.Change.After, r.Change.AfterUnknown)}
		switch {
		case change.Action == "no-op" || change.Action == "read":
		case r.ModuleAddress == Module(f):
			p.Changes = append(p.Changes, change)
		default:
			p.Others = append(p.Others, change)
		}
	}
	return p, nil
}

// action is one word: what is deleted and created, in whatever order, is replaced.
func action(actions []string) string {
	if len(actions) == 2 {
		return "replace"
	}
	return strings.Join(actions, ", ")
}

// attributes returns the names of the attributes that differ, or that will be known after the apply only.
func attributes(before, after, unknown map[string]any) []string {
	if before == nil || after == nil {
		return []string{} // made or removed as a whole
	}
	names := map[string]bool{}
	for name := range after {
		names[name] = !reflect.DeepEqual(before[name], after[name])
	}
	for name := range unknown {
		names[name] = names[name] || unknown[name] == true
	}
	maps.DeleteFunc(names, func(_ string, differs bool) bool { return !differs })
	return slices.Sorted(maps.Keys(names))
}
