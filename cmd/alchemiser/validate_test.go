package main

import (
	"io"
	"strings"
	"testing"
)

func TestJudgesRefuseWhatTheyCannotJudge(t *testing.T) {
	for args, want := range map[string]string{
		"validate --format html":  "want one of table, markdown, json",
		"validate --since 200h":   "claims are kept no longer",
		"validate --since 0s":     "more than 0",
		"metrics --since 10s":     "want 1m to 360h0m0s",
		"metrics --since 400h":    "want 1m to 360h0m0s",
		"status everything":       "unknown command",
		"doctor --fix-everything": "unknown flag",
	} {
		root := newRootCommand()
		root.SetArgs(strings.Fields(args))
		root.SetOut(io.Discard)
		root.SetErr(io.Discard)
		if err := root.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}
