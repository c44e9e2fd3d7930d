package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/release"
	"github.com/the-alchemiser/alchemiser/internal/functions"
	"github.com/the-alchemiser/alchemiser/internal/naming"
	"github.com/the-alchemiser/alchemiser/internal/stack"
)

// deployment is the answer of deploy and rollback.
type deployment struct {
	Function naming.Function `json:"function"`
	// From and To are the versions that events went and go to; they are the same if nothing was changed.
	From    string           `json:"from"`
	To      string           `json:"to"`
	Changes []release.Change `json:"changes"`
	Smoke   functions.Report `json:"smoke"`
}

func newDeployCommand() *cobra.Command {
	var agree consent
	cmd := &cobra.Command{
		Use:   "deploy FUNCTION",
		Short: "Deploy one function: a new version, its smoke test, then the events",
		Long: `Deploy one function and nothing else: Terraform plans its module alone, and the plan is refused if anything beside it would
change. A new version is published and answers the smoke event (it knows the events, may read and write what it needs, its broker
answers); only then the alias live moves to it. If the smoke test fails, live stays where it is. A function that was rolled back
follows the newest version again.

"make deploy FUNCTION=execution STAGE=dev" builds the function first. On an AWS account, terraform/ must be initialised for the
stage, and its variables stand in terraform/STAGE.tfvars or in TF_VAR_….`,
		Example:           "  make deploy FUNCTION=execution STAGE=dev\n  alchemiser --stage prod deploy execution --yes --account 123456789012",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(functionNames(), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := functionNamed(args[0])
			if err != nil {
				return err
			}
			o, err := newOperator(cmd)
			if err != nil {
				return err
			}
			terraform, err := terraformOf(cmd)
			if err != nil {
				return err
			}
			done, err := (&deployer{operator: o, desk: release.New(o.cloud, o.stage), terraform: terraform, function: f, agree: agree}).deploy(cmd.Context())
			if err != nil {
				return err
			}
			return o.print(done, func() error {
				if len(done.Changes) == 0 {
					fmt.Fprintf(cmd.OutOrStdout(), "Nothing to deploy: the zip that Terraform finds is what version %s of %s runs.\n", done.To, f)
					return nil
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: live was version %s and is version %s.\n", f, done.From, done.To)
				return writeFindings(cmd.OutOrStdout(), done.Smoke)
			})
		},
	}
	agree.flags(cmd)
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}

// deployer deploys one function.
type deployer struct {
	*operator
	desk      *release.Desk
	terraform *stack.Terraform
	function  naming.Function
	agree     consent
}

// deploy plans, asks and applies. Nothing is written before the consent.
func (d *deployer) deploy(ctx context.Context) (deployment, error) {
	before, err := d.desk.State(ctx, d.function)
	if err != nil {
		return deployment{}, err
	}
	if before.Held != release.Latest {
		fmt.Fprintf(d.cmd.ErrOrStderr(), "%s is held at version %s since a rollback; this deployment lets it follow the newest version again.\n", d.function, before.Held)
	}
	done := deployment{Function: d.function, From: before.Live, To: before.Live}
	folder, err := os.MkdirTemp("", "alchemiser-deploy-*")
	if err != nil {
		return done, fmt.Errorf("keep Terraform's plan: %w", err)
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "plan")
	done.Changes, err = d.plan(ctx, file)
	if err != nil || len(done.Changes) == 0 && before.Held == release.Latest {
		return done, err
	}
	if err := d.agree.ask(d.cmd, d.account, fmt.Sprintf("deploy %s, of which version %s is live", d.function, before.Live)); err != nil {
		return done, err
	}
	after, err := d.apply(ctx, file, before)
	if err != nil {
		return done, err
	}
	done.To = after.Live
	done.Smoke, err = d.desk.Smoke(ctx, d.function, naming.Live)
	return done, err
}

// apply applies the plan and lets the function follow the newest version from now on. The error of an apply that failed says which
// version is live; if that is still the one before, the function is held again if it was.
func (d *deployer) apply(ctx context.Context, file string, before release.State) (release.State, error) {
	if before.Held != release.Latest {
		if err := d.desk.Hold(ctx, d.function, release.Latest); err != nil {
			return before, err
		}
	}
	failed := d.terraform.ApplyPlan(ctx, file, nil)
	if failed == nil {
		return d.desk.State(ctx, d.function)
	}
	ctx = context.WithoutCancel(ctx) // an interrupted apply leaves something as well
	after, err := d.desk.State(ctx, d.function)
	switch {
	case err != nil:
		return before, errors.Join(failed, fmt.Errorf("which version of %s is live is not known: %w", d.function, err))
	case after.Live != before.Live:
		return after, fmt.Errorf("%w\nversion %s of %s is live already, instead of %s: deploy again, or roll back", failed, after.Live, d.function, before.Live)
	case before.Held != release.Latest:
		failed = errors.Join(failed, d.desk.Hold(ctx, d.function, before.Held))
	}
	return after, fmt.Errorf("%w\nversion %s of %s is still live: mend what failed and deploy again", failed, before.Live, d.function)
}

// plan writes Terraform's plan to file and shows it. It is an error if it goes beyond the function.
func (d *deployer) plan(ctx context.Context, file string) ([]release.Change, error) {
	raw, err := d.terraform.Plan(ctx, file, release.Module(d.function), "release="+string(d.function))
	if err != nil {
		return nil, err
	}
	plan, err := release.ReadPlan(raw, d.function)
	if err != nil {
		return nil, err
	}
	if len(plan.Others) > 0 {
		writeChanges(d.cmd.ErrOrStderr(), plan.Others)
		return nil, fmt.Errorf("this would change more than %s: apply the whole stack with Terraform first, then deploy", d.function)
	}
	writeChanges(d.cmd.ErrOrStderr(), plan.Changes)
	return plan.Changes, nil
}

// functionNamed returns the function that an operator names.
func functionNamed(name string) (naming.Function, error) {
	if slices.Contains(naming.Functions(), naming.Function(name)) {
		return naming.Function(name), nil
	}
	return "", fmt.Errorf("function %q: there are %s", name, strings.Join(functionNames(), ", "))
}

// terraformOf returns Terraform for the stack that newOperator means.
func terraformOf(cmd *cobra.Command) (*stack.Terraform, error) {
	if local := runningStack(cmd); local != nil {
		return local.Terraform, nil
	}
	cfg, err := stackConfig(cmd)
	if err != nil {
		return nil, err
	}
	return stack.Operate(cfg.Root, cfg.Stage)
}

func writeChanges(out io.Writer, changes []release.Change) {
	for _, c := range changes {
		fmt.Fprintf(out, "  %-8s %s", c.Action, c.Address)
		if len(c.Attributes) > 0 {
			fmt.Fprintf(out, " (%s)", strings.Join(c.Attributes, ", "))
		}
		fmt.Fprintln(out)
	}
}

func writeFindings(out io.Writer, report functions.Report) error {
	for _, check := range report.Checks {
		if _, err := fmt.Fprintf(out, "  ok  %-12s %s\n", check.Name, check.Detail); err != nil {
			return err
		}
	}
	return nil
}
