package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/internal/stack"
)

func newLocalMailsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "mails",
		Short: "Show the e-mails that the local stack would have sent",
		Long: `Show the e-mails that the topics of the local stack would have sent: the digest of each run, and alarms. On AWS they go
to the address that Terraform's variable notification_email names.`,
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
			mails, err := record.Outbox(cmd.Context())
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				return json.NewEncoder(out).Encode(mails)
			}
			for _, m := range mails {
				fmt.Fprintf(out, "%s  to %s: %s\n\n%s\n\n", m.At.UTC().Format("2006-01-02 15:04:05"), m.To, m.Subject, indent(m.Body))
			}
			fmt.Fprintf(out, "%d mails\n", len(mails))
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ")
}
