// Package policy_test holds the rules about the structure of the house that a compiler cannot check.
package policy_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/the-alchemiser/alchemiser/"

// pkg is what `go list` says about a package of the module.
type pkg struct {
	ImportPath string
	Imports    []string
}

func (p pkg) name() string { return strings.TrimPrefix(p.ImportPath, module) }

// rule refuses imports: whoever is in `from` may not import what is in `never`, except what is in `but`.
// A path stands for itself and everything below it; paths of this module are relative to it.
type rule struct {
	name  string
	from  []string
	never []string
	but   []string
}

func rules() []rule {
	domains := []string{"internal/strategy", "internal/portfolio", "internal/execution", "internal/monitor"}
	rs := []rule{
		{name: "pkg does not know internal", from: []string{"pkg"}, never: []string{"internal"}},
		{name: "fault knows nobody", from: []string{"pkg/fault"}, never: []string{"pkg"}},
		{
			name: "events know fault and market only", from: []string{"pkg/events"}, never: []string{"pkg"},
			but: []string{"pkg/fault", "pkg/market", "pkg/events"},
		},
		{name: "symphony and indicator do no I/O", from: []string{"pkg/symphony", "pkg/indicator"}, never: []string{"os", "net", "database"}},
		{
			name: "localaws imports nothing of the rest: it must fail as AWS does", from: []string{"internal/localaws"},
			never: []string{"pkg", "internal", "functions", "cmd"}, but: []string{"internal/localaws"},
		},
		{
			name: "only cmd and test know localaws", from: []string{"pkg", "internal", "functions"}, never: []string{"internal/localaws"},
			but: nil,
		},
		{name: "AWS SDKs enter at the edges only", from: []string{"pkg", "internal"}, never: []string{"github.com/aws"}},
		{name: "zap stands in telemetry only", from: []string{"pkg", "internal", "functions"}, never: []string{"go.uber.org/zap"}},
		{name: "only mains, cmd and test join functions", from: []string{"pkg", "internal"}, never: []string{"functions", "cmd", "test"}},
	}
	for _, d := range domains {
		rs = append(rs, rule{name: "a domain knows neither an adapter nor another domain", from: []string{d}, never: []string{"internal"}, but: []string{d}})
	}
	return rs
}

// exempt names who may break which rule, with the reason.
func exempt(rule, importer string) bool {
	switch rule {
	case "only cmd and test know localaws":
		return within(importer, "internal/localaws") // it knows itself
	case "AWS SDKs enter at the edges only":
		for _, edge := range []string{
			"pkg/bus/ebbus", "pkg/bus/lambdabus", "pkg/bus/sqsbus", "internal/awsclient", "internal/store", "internal/deadletter",
			"internal/notify", "internal/secret", "internal/telemetry", "internal/functions", "internal/host",
		} {
			if within(importer, edge) {
				return true
			}
		}
	case "zap stands in telemetry only":
		return within(importer, "internal/telemetry")
	}
	return false
}

func TestImportsFollowTheHouse(t *testing.T) {
	pkgs := list(t)
	if len(pkgs) < 10 {
		t.Fatalf("go list found %d packages, want the whole module", len(pkgs))
	}
	for _, r := range rules() {
		for _, p := range pkgs {
			if !anyWithin(p.name(), r.from) || exempt(r.name, p.name()) {
				continue
			}
			for _, imported := range p.Imports {
				path := strings.TrimPrefix(imported, module)
				if anyWithin(path, r.never) && !anyWithin(path, r.but) {
					t.Errorf("%s: %s imports %s", r.name, p.name(), path)
				}
			}
		}
	}
}

// A rule that catches nothing would pass for ever.
func TestRulesCatchOffenders(t *testing.T) {
	offenders := map[string]pkg{
		"pkg does not know internal":                                     {ImportPath: module + "pkg/bus", Imports: []string{module + "internal/store"}},
		"a domain knows neither an adapter nor another domain":           {ImportPath: module + "internal/strategy", Imports: []string{module + "internal/portfolio"}},
		"AWS SDKs enter at the edges only":                               {ImportPath: module + "internal/execution", Imports: []string{"github.com/aws/aws-sdk-go-v2/aws"}},
		"localaws imports nothing of the rest: it must fail as AWS does": {ImportPath: module + "internal/localaws/sqs", Imports: []string{module + "pkg/events"}},
	}
	for name, p := range offenders {
		caught := false
		for _, r := range rules() {
			if r.name != name || !anyWithin(p.name(), r.from) || exempt(r.name, p.name()) {
				continue
			}
			path := strings.TrimPrefix(p.Imports[0], module)
			caught = caught || anyWithin(path, r.never) && !anyWithin(path, r.but)
		}
		if !caught {
			t.Errorf("rule %q let %s import %s", name, p.ImportPath, p.Imports[0])
		}
	}
}

func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		pkgs = append(pkgs, p)
	}
}

func anyWithin(path string, roots []string) bool {
	for _, root := range roots {
		if within(path, root) {
			return true
		}
	}
	return false
}

func within(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}
