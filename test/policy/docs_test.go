package policy_test

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

const repository = "../.."

// page is a Markdown file: where it points, where one can point to in it, and the commands that it shows.
type page struct {
	path     string // relative to the repository
	anchors  []string
	links    []string
	commands []string // command lines of code spans and code blocks
}

// TestLinksLeadSomewhere follows every relative link and anchor of every page. Addresses of other hosts are not followed: tests
// run offline.
func TestLinksLeadSomewhere(t *testing.T) {
	pages := markdown(t)
	links := 0
	for _, p := range pages {
		for _, link := range p.links {
			links++
			if complaint := follow(pages, p, link); complaint != "" {
				t.Errorf("%s: %s", p.path, complaint)
			}
		}
	}
	if len(pages) < 30 || links < 100 {
		t.Errorf("found %d links on %d pages: the search is broken", links, len(pages))
	}
}

// TestDocumentedCommandsExist holds what pages tell people to type to the Makefile and to the reference of the commands, which
// a test of cmd/alchemiser holds to the commands themselves.
func TestDocumentedCommandsExist(t *testing.T) {
	pages := markdown(t)
	reference, err := os.ReadFile(filepath.Join(repository, "docs/cli.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := vocabulary{targets: targets(t), flags: flags(reference)}
	commands := 0
	for _, p := range pages {
		for _, line := range p.commands {
			commands++
			if complaint := known.refuse(line); complaint != "" {
				t.Errorf("%s: %q: %s", p.path, line, complaint)
			}
		}
	}
	if commands < 200 {
		t.Errorf("found %d commands: the search is broken", commands)
	}
}

// TestEveryPageCanBeFound keeps pages from being written and never read: each page of docs is linked from its map.
func TestEveryPageCanBeFound(t *testing.T) {
	pages := markdown(t)
	indexes := map[string][]string{}
	for _, p := range pages {
		for _, link := range p.links {
			target, _, _ := strings.Cut(link, "#")
			indexes[p.path] = append(indexes[p.path], filepath.Join(filepath.Dir(p.path), target))
		}
	}
	for path := range pages {
		dir, name := filepath.Split(path)
		index := filepath.Join(dir, "README.md")
		if !strings.HasPrefix(path, "docs/") || name == "README.md" {
			continue
		}
		if !slices.Contains(indexes[index], path) {
			t.Errorf("%s does not link to %s", index, path)
		}
	}
}

// TestDocumentedTestsExist keeps pages from leaning on tests that were renamed or removed.
func TestDocumentedTestsExist(t *testing.T) {
	tests := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(repository, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(source, -1) {
			tests[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`^Test[A-Z]\w+$`)
	found := 0
	for _, p := range markdown(t) {
		for _, span := range p.commands {
			if !named.MatchString(span) || span == "TestEventPattern" { // an operation of EventBridge
				continue
			}
			if found++; !tests[span] {
				t.Errorf("%s: there is no test %s", p.path, span)
			}
		}
	}
	if found < 20 {
		t.Errorf("found %d tests named: the search is broken", found)
	}
}

// TestTheMapOfPackagesIsWhole looks for each folder of pkg and internal in docs/architecture.md.
func TestTheMapOfPackagesIsWhole(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "docs/architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "## Who may know whom")
	if !found {
		t.Fatal("docs/architecture.md has no map of the packages")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	for _, root := range []string{"pkg", "internal"} {
		folders, err := os.ReadDir(filepath.Join(repository, root))
		if err != nil {
			t.Fatal(err)
		}
		for _, folder := range folders {
			if !regexp.MustCompile(`\b` + folder.Name() + `\b`).MatchString(section) {
				t.Errorf("%s/%s is missing from the map in docs/architecture.md", root, folder.Name())
			}
		}
	}
}

func TestBrokenDocsAreSeen(t *testing.T) {
	pages := map[string]*page{
		"README.md": read("README.md", []byte("# A `b` c: d\n\n## Twice\n\n## Twice\n")),
		"docs/x.md": read("docs/x.md", []byte("x\n")),
	}
	for link, sound := range map[string]bool{
		"../README.md": true, "../README.md#a-b-c-d": true, "../README.md#twice-1": true, "https://example.org/x": true,
		"../README.md#twice-2": false, "../NONE.md": false, "#x": false, "/work": false,
	} {
		if got := follow(pages, pages["docs/x.md"], link) == ""; got != sound {
			t.Errorf("link %s is sound: %t, want %t", link, got, sound)
		}
	}

	reference := []byte("## alchemiser dlq show\n\n## alchemiser dlq list\n\n```\n      --json   print\n  -f, --fast   run\n```\n")
	known := vocabulary{targets: []string{"up"}, flags: flags(reference)}
	for line, sound := range map[string]bool{
		"make up MODE=shadow": true, "make": true, "make down": false,
		"alchemiser dlq list --json --stage dev": true, "$ bin/alchemiser dlq list -f | grep --color x": true, `eval "$(bin/alchemiser dlq)"`: true,
		"bin/alchemiser dlq --json": false, "alchemiser dlq purge": false, "alchemiser queue": false, `eval "$(bin/alchemiser queue)"`: false,
		"STAGE=x make up": true, "STAGE=x make none": false, "terraform apply --none": true,
	} {
		if got := known.refuse(line) == ""; got != sound {
			t.Errorf("%q is sound: %t, want %t", line, got, sound)
		}
	}
}

// markdown reads the pages of the repository by their paths. Those under testdata are what tests read, and pagegen's is a part of
// docs/local-endpoint.md.
func markdown(t *testing.T) map[string]*page {
	t.Helper()
	pages := map[string]*page{}
	err := filepath.WalkDir(repository, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			name := d.Name()
			hidden := strings.HasPrefix(name, ".") && name != ".." && name != ".github"
			if hidden || slices.Contains([]string{"testdata", "pagegen", "build", "bin"}, name) {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(repository, path)
		if err != nil {
			return err
		}
		pages[name] = read(name, source)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

func read(path string, source []byte) *page {
	p := &page{path: path}
	seen := map[string]int{}
	root := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	// The walk ends with an error only if the callback returns one.
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			anchor := slug(plain(n, source))
			p.anchors = append(p.anchors, anchor)
			if again := seen[anchor]; again > 0 {
				p.anchors[len(p.anchors)-1] = fmt.Sprintf("%s-%d", anchor, again)
			}
			seen[anchor]++
		case *ast.Link:
			p.links = append(p.links, string(n.Destination))
		case *ast.Image:
			p.links = append(p.links, string(n.Destination))
		case *ast.CodeSpan:
			p.commands = append(p.commands, strings.ReplaceAll(plain(n, source), "\n", " "))
		case *ast.FencedCodeBlock:
			p.commands = append(p.commands, lines(n, source)...)
		case *ast.CodeBlock:
			p.commands = append(p.commands, lines(n, source)...)
		}
		return ast.WalkContinue, nil
	})
	return p
}

// lines returns the lines of a code block; one that ends in a backslash goes on in the next.
func lines(n ast.Node, source []byte) []string {
	joined := strings.ReplaceAll(string(n.Lines().Value(source)), "\\\n", " ")
	return strings.Split(strings.TrimRight(joined, "\n"), "\n")
}

func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Text:
			if entering {
				b.Write(n.Value(source))
				if n.SoftLineBreak() {
					b.WriteByte(' ')
				}
			}
		case *ast.String:
			if entering {
				b.Write(n.Value)
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// slug is how GitHub makes the anchor of a heading: lower case, without punctuation, a hyphen for each space.
func slug(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		default:
			return -1
		}
	}, heading)
}

// follow says what is wrong with a link of a page, or nothing.
func follow(pages map[string]*page, from *page, link string) string {
	u, err := url.Parse(link)
	switch {
	case err != nil:
		return fmt.Sprintf("%s is not an address: %v", link, err)
	case u.Scheme != "":
		return ""
	case strings.HasPrefix(u.Path, "/"):
		return link + " leads out of the repository"
	}
	target := from.path
	if u.Path != "" {
		target = filepath.Join(filepath.Dir(from.path), u.Path)
	}
	to, isPage := pages[target]
	if _, err := os.Stat(filepath.Join(repository, target)); err != nil && !isPage {
		return link + " leads nowhere"
	}
	if u.Fragment != "" && (!isPage || !slices.Contains(to.anchors, u.Fragment)) {
		return link + ": no heading has this anchor"
	}
	return ""
}

// vocabulary is what can be typed: the targets of the Makefile, and the flags of each command of the CLI, such as "dlq list".
type vocabulary struct {
	targets []string
	flags   map[string][]string
}

func targets(t *testing.T) []string {
	t.Helper()
	makefile, err := os.ReadFile(filepath.Join(repository, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range regexp.MustCompile(`(?m)^([a-z0-9-]+):`).FindAllSubmatch(makefile, -1) {
		found = append(found, string(m[1]))
	}
	return found
}

// optionLine is a line of a command's options in the reference.
var optionLine = regexp.MustCompile(`^ +(?:(-\w), )?(--[a-z0-9-]+)\b`)

// flags reads the reference of the commands: the flags of each, those of every command included.
func flags(reference []byte) map[string][]string {
	found := map[string][]string{"completion bash": {"--help"}, "help": nil} // cobra's own, which the reference leaves out
	command := ""
	for line := range strings.Lines(string(reference)) {
		if name, ok := strings.CutPrefix(line, "## alchemiser "); ok {
			command = strings.TrimSpace(name)
			found[command] = []string{"--stage", "--help", "-h"}
		} else if m := optionLine.FindStringSubmatch(line); m != nil && command != "" {
			found[command] = append(found[command], m[1], m[2])
		}
	}
	return found
}

// separators part the commands of a line.
var separators = regexp.MustCompile(`\|\|?|;|&&|\$\(|\(|\)|(?:^|\s)#.*`)

// refuse says what is wrong with a command line, or nothing; what is neither make nor alchemiser is not its matter.
func (v vocabulary) refuse(line string) string {
	for _, command := range separators.Split(strings.ReplaceAll(line, `"`, ""), -1) {
		words := strings.Fields(command)
		for len(words) > 0 && (words[0] == "$" || strings.Contains(words[0], "=")) {
			words = words[1:]
		}
		if len(words) == 0 {
			continue
		}
		complaint := ""
		switch filepath.Base(words[0]) {
		case "make":
			complaint = v.refuseMake(words[1:])
		case "alchemiser":
			complaint = v.refuseCLI(words[1:])
		}
		if complaint != "" {
			return complaint
		}
	}
	return ""
}

func (v vocabulary) refuseMake(words []string) string {
	for _, w := range words {
		if strings.Contains(w, "=") || strings.HasPrefix(w, "-") {
			continue
		}
		if !slices.Contains(v.targets, w) {
			return "the Makefile has no " + w
		}
	}
	return ""
}

func (v vocabulary) refuseCLI(words []string) string {
	if len(words) > 1 && words[0] == "--stage" {
		words = words[2:]
	}
	var name []string
	for _, w := range words {
		if next := strings.Join(append(name, w), " "); !v.begins(next) {
			break
		}
		name = append(name, w)
	}
	if len(words) > 0 && len(name) == 0 {
		return "there is no command " + words[0]
	}
	known, complete := v.flags[strings.Join(name, " ")]
	rest := words[len(name):]
	if !complete && len(rest) > 0 {
		return fmt.Sprintf("there is no command %s %s", strings.Join(name, " "), rest[0])
	}
	for _, w := range rest {
		flag, _, _ := strings.Cut(w, "=")
		if strings.HasPrefix(w, "-") && flag != "-" && !isRelativeTime(w) && !slices.Contains(known, flag) {
			return fmt.Sprintf("%s has no %s", strings.Join(name, " "), flag)
		}
	}
	return ""
}

// begins tells whether name is a command or begins the name of one.
func (v vocabulary) begins(name string) bool {
	for command := range v.flags {
		if command == name || strings.HasPrefix(command, name+" ") {
			return true
		}
	}
	return false
}

// isRelativeTime tells a time such as -2h from a flag.
func isRelativeTime(word string) bool { return len(word) > 1 && unicode.IsDigit(rune(word[1])) }
