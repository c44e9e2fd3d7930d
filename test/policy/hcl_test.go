package policy_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

const terraformRoot = "../../terraform"

// configuration is the Terraform code of one module.
type configuration struct {
	dir    string
	blocks []*hclsyntax.Block
	source map[string][]byte // by the file names that ranges carry
}

// text is an expression as it stands in its file.
func (c configuration) text(e hclsyntax.Expression) string {
	r := e.Range()
	return string(r.SliceBytes(c.source[r.Filename]))
}

// attribute is the text of an attribute, empty if there is none.
func (c configuration) attribute(b *hclsyntax.Block, name string) string {
	if a, ok := b.Body.Attributes[name]; ok {
		return c.text(a.Expr)
	}
	return ""
}

// resources are the blocks of a kind ("resource", "data") and type.
func (c configuration) resources(kind, typ string) []*hclsyntax.Block {
	var found []*hclsyntax.Block
	for _, b := range c.blocks {
		if b.Type == kind && len(b.Labels) > 0 && b.Labels[0] == typ {
			found = append(found, b)
		}
	}
	return found
}

func nested(b *hclsyntax.Block, name string) []*hclsyntax.Block {
	var found []*hclsyntax.Block
	for _, n := range b.Body.Blocks {
		switch {
		case n.Type == name:
			found = append(found, n)
		case n.Type == "dynamic" && n.Labels[0] == name:
			found = append(found, nested(n, "content")...)
		}
	}
	return found
}

func has(b *hclsyntax.Block, attributes ...string) bool {
	return !slices.ContainsFunc(attributes, func(a string) bool { return b.Body.Attributes[a] == nil })
}

// parse reads one module's code: the files by name.
func parse(t *testing.T, dir string, files map[string][]byte) configuration {
	t.Helper()
	c := configuration{dir: dir, source: files}
	parser := hclparse.NewParser()
	for name, source := range files {
		file, diagnostics := parser.ParseHCL(source, name)
		if diagnostics.HasErrors() {
			t.Fatal(diagnostics)
		}
		body, ok := file.Body.(*hclsyntax.Body)
		if !ok {
			t.Fatalf("%s is not in HCL's native syntax", name)
		}
		c.blocks = append(c.blocks, body.Blocks...)
	}
	slices.SortFunc(c.blocks, func(a, b *hclsyntax.Block) int { return compareRanges(a.DefRange(), b.DefRange()) })
	return c
}

func compareRanges(a, b hcl.Range) int {
	if d := strings.Compare(a.Filename, b.Filename); d != 0 {
		return d
	}
	return a.Start.Line - b.Start.Line
}

// configurations are all modules below terraform/, examples included.
func configurations(t *testing.T) []configuration {
	t.Helper()
	files := map[string]map[string][]byte{}
	root := os.DirFS(terraformRoot)
	err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && entry.Name() == ".terraform" {
			return fs.SkipDir
		}
		if filepath.Ext(path) != ".tf" {
			return nil
		}
		source, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		dir := filepath.Dir(path)
		if files[dir] == nil {
			files[dir] = map[string][]byte{}
		}
		files[dir]["terraform/"+path] = source
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 8 {
		t.Fatalf("found %d modules: the walk misses some", len(files))
	}
	all := make([]configuration, 0, len(files))
	for dir, sources := range files {
		all = append(all, parse(t, dir, sources))
	}
	return all
}

// finding says where a rule is broken.
func finding(b *hclsyntax.Block, format string, args ...any) string {
	r := b.DefRange()
	return fmt.Sprintf("%s:%d: %s %s %s", r.Filename, r.Start.Line, b.Type, strings.Join(b.Labels, "."), fmt.Sprintf(format, args...))
}
