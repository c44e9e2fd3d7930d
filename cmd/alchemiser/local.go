package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/internal/localaws"
	"github.com/the-alchemiser/alchemiser/internal/localaws/authz"
	"github.com/the-alchemiser/alchemiser/internal/localaws/faults"
	"github.com/the-alchemiser/alchemiser/internal/stack"
)

// exitPortTaken is the exit code when another program has the port.
const exitPortTaken = 2

func newLocalCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "local",
		Short: "The embedded AWS endpoint",
	}
	cmd.AddCommand(newLocalUpCommand(), newLocalEnvCommand(), newLocalPermissionsCommand(), newLocalMailsCommand())
	return cmd
}

func newLocalUpCommand() *cobra.Command {
	var cfg localaws.Config
	var plan, access string
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Serve the AWS APIs on this machine until interrupted",
		Long: `Serve the AWS APIs on 127.0.0.1 until interrupted.

When it accepts requests it prints one line: ready http://127.0.0.1:PORT.
Access key and secret are "test", the region is us-east-1, the account 000000000000.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cfg.RetryScale <= 0 {
				return fmt.Errorf("--retry-scale %g: want more than 0", cfg.RetryScale)
			}
			mode, err := authz.ParseMode(access)
			if err != nil {
				return fmt.Errorf("--iam: %w", err)
			}
			cfg.IAM = mode
			if err := readFaults(plan, &cfg.Faults); err != nil {
				return err
			}
			cfg.Log = cmd.ErrOrStderr()
			server, err := localaws.New(cfg)
			if errors.Is(err, syscall.EADDRINUSE) {
				return &exitError{exitPortTaken, fmt.Errorf("port %d is taken: stop what uses it, or choose another one with --port (0 finds a free one)", cfg.Port)}
			}
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "ready", server.URL())
			return server.Serve(cmd.Context())
		},
	}
	cmd.Flags().IntVar(&cfg.Port, "port", 4566, "port on 127.0.0.1; 0 finds a free one")
	cmd.Flags().StringVar(&cfg.DataDir, "data", "", "folder that keeps the state; without it the state is in memory")
	cmd.Flags().Float64Var(&cfg.RetryScale, "retry-scale", 1, "multiplies the delays between delivery attempts, as 0.01 for tests")
	cmd.Flags().StringVar(&access, "iam", string(authz.Off), "what happens to calls that no policy allows: off (nothing is judged), audit (recorded), enforce (refused, and signatures are verified)")
	cmd.Flags().StringVar(&plan, "faults", "", "JSON file with the faults to inject (docs/faults.md)")
	return cmd
}

// readFaults reads a plan of faults; no file is no faults.
func readFaults(file string, into *faults.Plan) error {
	if file == "" {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("--faults: %w", err)
	}
	if *into, err = faults.Parse(text); err != nil {
		return fmt.Errorf("--faults %s: %w", file, err)
	}
	return nil
}

func newLocalEnvCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "env",
		Short: "Print the variables that point AWS tools at the local stack",
		Long: `Print the variables that point AWS tools at the local stack of a stage:

  eval "$(alchemiser --stage dev local env)"`,
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
			for _, name := range slices.Sorted(maps.Keys(record.Env)) {
				fmt.Fprintf(cmd.OutOrStdout(), "export %s=%s\n", name, shellQuote(record.Env[name]))
			}
			return nil
		},
	}
}

// shellQuote returns s as one word of a POSIX shell.
func shellQuote(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
