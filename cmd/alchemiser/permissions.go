package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/internal/localaws/authz"
	"github.com/the-alchemiser/alchemiser/internal/stack"
)

func newLocalPermissionsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "permissions",
		Short: "Show which statements of the roles' policies were used, and what was refused",
		Long: `Show, for the local stack of a stage, how often each statement of each role's policies was the reason to allow a call
since the endpoint started, which of its actions nobody used, and what was refused.

Needs an endpoint that judges calls: --iam audit or enforce, as "make up" starts it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := stackConfig(cmd)
			if err != nil {
				return err
			}
			record, err := stack.ReadRecord(cfg.Folder())
			if err != nil {
				return err
			}
			var report authz.Report
			if err := record.Control(cmd.Context(), "permissions", &report); err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(report)
			}
			writePermissions(cmd.OutOrStdout(), report)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func writePermissions(out io.Writer, r authz.Report) {
	if r.Mode == authz.Off {
		fmt.Fprintln(out, "The endpoint judges no calls (--iam off): only what services did under a role is counted.")
	}
	t := newTable(out, "role", "policy", "statement", "used", "actions never used")
	for _, role := range r.Roles {
		for _, s := range role.Statements {
			name := s.Sid
			if name == "" {
				name = fmt.Sprintf("number %d", s.Index+1)
			}
			if s.Denies {
				name += " (denies)"
			}
			t.AppendRow(table.Row{shortARN(role.ARN), shortARN(s.Policy), name, s.Uses, strings.Join(s.Idle, " ")})
		}
	}
	t.Render()
	if len(r.Refused) == 0 {
		fmt.Fprintln(out, "Nothing was refused.")
		return
	}
	t = newTable(out, "refused", "action", "resource", "times", "why")
	for _, f := range r.Refused {
		t.AppendRow(table.Row{shortARN(f.Principal), f.Action, f.Resource, f.Count, f.Reason})
	}
	t.Render()
	if r.Further > 0 {
		fmt.Fprintf(out, "and %d further refusals\n", r.Further)
	}
}

func newTable(out io.Writer, header ...any) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(out)
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = 0
	t.AppendHeader(header)
	return t
}

// shortARN is the part of an ARN that a reader looks for.
func shortARN(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	return strings.TrimPrefix(parts[len(parts)-1], "role/")
}
