package policy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// hclBlock is an example of HCL in a README.
var hclBlock = regexp.MustCompile("(?s)```hcl\n(.*?)```")

// TestModulesAreUsedAsTheirReadmesSay keeps the examples in the modules' READMEs from going stale: each sets every variable that
// the module requires, and no other than it has. The tables are terraform-docs' matter: `make lint` checks them.
func TestModulesAreUsedAsTheirReadmesSay(t *testing.T) {
	for _, c := range configurations(t) {
		if filepath.Dir(c.dir) != "modules" {
			continue
		}
		t.Run(c.dir, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(terraformRoot, c.dir, "README.md"))
			if err != nil {
				t.Fatalf("a module is described by its README.md: %v", err)
			}
			if !strings.Contains(string(text), "<!-- BEGIN_TF_DOCS -->\n## Requirements") {
				t.Error("README.md has no tables: put <!-- BEGIN_TF_DOCS --> and <!-- END_TF_DOCS --> at its end and run `make generate`")
			}
			example := hclBlock.FindSubmatch(text)
			if example == nil {
				t.Fatal("README.md shows no use of the module")
			}
			for _, complaint := range misuse(c, parse(t, c.dir, map[string][]byte{"README.md": example[1]})) {
				t.Error(complaint)
			}
		})
	}
}

// misuse lists what is wrong with the way in which example uses module.
func misuse(module, example configuration) []string {
	if len(example.blocks) != 1 || example.blocks[0].Type != "module" {
		return []string{"the example is not one module block"}
	}
	use := example.blocks[0]
	var found []string
	known := []string{"source"}
	for _, b := range module.blocks {
		if b.Type != "variable" {
			continue
		}
		name := b.Labels[0]
		known = append(known, name)
		if !has(b, "default") && !has(use, name) {
			found = append(found, "the example does not set "+name+", which is required")
		}
	}
	for name := range use.Body.Attributes {
		if !slices.Contains(known, name) {
			found = append(found, "the example sets "+name+", which the module does not know")
		}
	}
	if source := example.attribute(use, "source"); source != `"./`+module.dir+`"` {
		found = append(found, "the example's source is "+source)
	}
	return found
}

func TestMisuseIsSeen(t *testing.T) {
	module := parse(t, "modules/x", map[string][]byte{"variables.tf": []byte("variable \"needed\" {}\nvariable \"spare\" {\n default = 1\n}\n")})
	for example, want := range map[string]int{
		"module \"x\" {\n source = \"./modules/x\"\n needed = 1\n}\n":             0,
		"module \"x\" {\n source = \"./modules/x\"\n needed = 1\n spare = 2\n}\n": 0,
		"module \"x\" {\n source = \"./modules/x\"\n spare = 2\n}\n":              1,
		"module \"x\" {\n source = \"./modules/y\"\n needed = 1\n more = 2\n}\n":  2,
		"resource \"x\" \"y\" {}\n":                                               1,
	} {
		use := parse(t, "modules/x", map[string][]byte{"README.md": []byte(example)})
		if got := misuse(module, use); len(got) != want {
			t.Errorf("misuse of\n%s= %q, want %d complaints", example, got, want)
		}
	}
}
