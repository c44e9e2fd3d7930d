package main

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

//go:generate go test -run ^TestTheReferenceIsCurrent$ -update .

var update = flag.Bool("update", false, "write docs/cli.md anew")

// docs/cli.md is written from the commands themselves.
func TestTheReferenceIsCurrent(t *testing.T) {
	const path = "../../docs/cli.md"
	want := reference(t)
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/cli.md is not what the commands say (%v): run `make generate`", err)
	}
}

func reference(t *testing.T) []byte {
	t.Helper()
	var page bytes.Buffer
	page.WriteString(`# Commands

Generated from the commands by ` + "`make generate`" + `. Every command takes ` + "`--stage`" + ` and says on standard error which account it talks to: that of
the environment, or, if it names none, the local stack of the stage that runs in this folder. What changes something asks first;
` + "`--yes`" + ` answers, and on a real account needs ` + "`--account`" + ` beside it. The exit code is 0 only on success.

Completion for a shell: ` + "`alchemiser completion bash --help`" + ` (zsh, fish, powershell).

`)
	var write func(cmd *cobra.Command)
	write = func(cmd *cobra.Command) {
		if cmd.Hidden || cmd.Name() == "help" || cmd.Name() == "completion" {
			return
		}
		if cmd.Runnable() {
			cmd.DisableAutoGenTag = true
			var section bytes.Buffer
			if err := doc.GenMarkdownCustom(cmd, &section, func(name string) string { return name }); err != nil {
				t.Fatal(err)
			}
			text, _, _ := strings.Cut(section.String(), "### SEE ALSO")
			text, _, _ = strings.Cut(text, "### Options inherited from parent commands")
			page.WriteString(regexp.MustCompile(`(?m)^  -h, --help .*\n`).ReplaceAllString(text, ""))
		}
		for _, sub := range cmd.Commands() {
			write(sub)
		}
	}
	write(newRootCommand())
	return append(bytes.TrimRight(page.Bytes(), "\n"), '\n')
}

// Whoever wants a figure for a program must find the flag on every command that prints one.
func TestEveryOperatorsVerbPrintsJSON(t *testing.T) {
	t.Parallel()
	exempt := map[string]bool{"up": true, "down": true, "demo": true, "run": true, "local up": true, "local env": true, "paper up": true, "paper bars": true}
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		path := strings.TrimPrefix(cmd.CommandPath(), "alchemiser ")
		if cmd.Runnable() && !exempt[path] && cmd.Flags().Lookup("json") == nil {
			t.Errorf("%s has no --json", path)
		}
		for _, sub := range cmd.Commands() {
			check(sub)
		}
	}
	check(newRootCommand())
}
