package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/internal/awsclient"
	"github.com/the-alchemiser/alchemiser/internal/naming"
	"github.com/the-alchemiser/alchemiser/internal/stack"
)

// operator is what the verbs of an operator have in common: a stage on an account, and how to print.
type operator struct {
	stage   naming.Stage
	cloud   aws.Config
	account string
	cmd     *cobra.Command
}

// newOperator finds the stage and the account that cmd is about, and says so on standard error. If the environment names no
// AWS account and a local stack of the stage runs in this folder, that is meant.
func newOperator(cmd *cobra.Command) (*operator, error) {
	name, err := cmd.Flags().GetString("stage")
	if err != nil {
		return nil, err
	}
	o := &operator{stage: naming.Stage(name), cmd: cmd}
	where := ""
	if local := runningStack(cmd); local != nil {
		o.cloud, where = localAWS(local), local.Record.URL
	} else if o.cloud, err = awsclient.Load(cmd.Context()); err != nil {
		return nil, fmt.Errorf("%w; start a local stack with `make up STAGE=%s`, or name an AWS account by AWS_PROFILE and AWS_REGION", err, name)
	} else {
		where = aws.ToString(o.cloud.BaseEndpoint)
	}
	if o.account, err = accountOf(cmd.Context(), o.cloud); err != nil {
		return nil, err
	}
	if o.account == localAccount {
		where = cmp.Or("the local endpoint "+where, "the local endpoint")
	} else {
		where = "AWS account " + o.account + ", " + o.cloud.Region
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "Stage %s on %s\n", name, where)
	return o, nil
}

// runningStack returns the local stack that is meant, or nil.
func runningStack(cmd *cobra.Command) *stack.Stack {
	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE"} {
		if os.Getenv(name) != "" {
			return nil
		}
	}
	cfg, err := stackConfig(cmd)
	if err != nil {
		return nil
	}
	local, err := stack.Find(cfg)
	if err != nil {
		return nil // none is running here
	}
	return local
}

// wantsJSON says whether the answer is for a program: the command's flag json.
func (o *operator) wantsJSON() bool {
	asked, err := o.cmd.Flags().GetBool("json")
	return err == nil && asked
}

// print writes v as indented JSON if that is asked for, else lets table write it.
func (o *operator) print(v any, table func() error) error {
	if !o.wantsJSON() {
		return table()
	}
	out := json.NewEncoder(o.cmd.OutOrStdout())
	out.SetIndent("", "  ")
	return out.Encode(v)
}
