package release_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/release"
	"github.com/the-alchemiser/alchemiser/internal/naming"
)

// change is a resource in Terraform's JSON of a plan.
type change struct {
	address, module string
	actions         []string
	before, after   map[string]any
	unknown         map[string]any
}

func planOf(t *testing.T, changes ...change) []byte {
	t.Helper()
	resources := make([]map[string]any, 0, len(changes))
	for _, c := range changes {
		resources = append(resources, map[string]any{
			"address": c.address, "module_address": c.module, "mode": "managed", "type": "t", "name": "n", "provider_name": "aws",
			"change": map[string]any{"actions": c.actions, "before": c.before, "after": c.after, "after_unknown": c.unknown},
		})
	}
	raw, err := json.Marshal(map[string]any{"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": resources})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

const ours = `module.function["execution"]`

func TestAPlanKnowsWhatIsOfTheFunction(t *testing.T) {
	t.Parallel()
	alias := change{
		address: ours + ".aws_lambda_alias.live", module: ours, actions: []string{"update"},
		before: map[string]any{"name": "live", "function_version": "1"}, after: map[string]any{"name": "live"}, unknown: map[string]any{"function_version": true},
	}
	function := change{
		address: ours + ".aws_lambda_function.this", module: ours, actions: []string{"update"},
		before: map[string]any{"source_code_hash": "a", "memory_size": 256, "environment": []any{map[string]any{"MODE": "live"}}},
		after:  map[string]any{"source_code_hash": "b", "memory_size": 256, "environment": []any{map[string]any{"MODE": "shadow"}}},
	}
	smoke := change{address: ours + ".aws_lambda_invocation.smoke[0]", module: ours, actions: []string{"delete", "create"}}
	same := change{address: "module.bus.aws_cloudwatch_event_bus.this", module: "module.bus", actions: []string{"no-op"}}
	read := change{address: "data.aws_region.this", actions: []string{"read"}}

	got, err := release.ReadPlan(planOf(t, alias, function, smoke, same, read), naming.Execution)
	if err != nil {
		t.Fatal(err)
	}
	want := release.Plan{Others: []release.Change{}, Changes: []release.Change{
		{Address: alias.address, Action: "update", Attributes: []string{"function_version"}},
		{Address: function.address, Action: "update", Attributes: []string{"environment", "source_code_hash"}},
		{Address: smoke.address, Action: "replace", Attributes: []string{}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

func TestWhateverElseWouldChangeIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]change{
		"another function":         {address: `module.function["strategy"].aws_lambda_function.this`, module: `module.function["strategy"]`, actions: []string{"update"}},
		"another module":           {address: "module.state.aws_dynamodb_table.this", module: "module.state", actions: []string{"delete", "create"}},
		"the root":                 {address: "terraform_data.owner", actions: []string{"create"}},
		"a module with its prefix": {address: ours + ".module.inner.x.y", module: ours + ".module.inner", actions: []string{"delete"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := release.ReadPlan(planOf(t, c), naming.Execution)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Others) != 1 || got.Others[0].Address != c.address || len(got.Changes) != 0 {
				t.Errorf("the plan is %+v, want the change among the others", got)
			}
		})
	}
}

func TestWhatIsNoPlanIsRefused(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{``, `{}`, `{"format_version":"9.0"}`, `hello`} {
		if _, err := release.ReadPlan([]byte(raw), naming.Execution); err == nil {
			t.Errorf("ReadPlan(%q) found nothing wrong", raw)
		}
	}
}
