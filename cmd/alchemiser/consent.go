package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// localAccount is the account of the local endpoint.
const localAccount = "000000000000"

// consent is what a command needs before it changes something.
type consent struct {
	yes     bool
	account string
}

func (c *consent) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&c.yes, "yes", false, "do not ask; on a real account it needs --account as well")
	cmd.Flags().StringVar(&c.account, "account", "", "the AWS account that is meant, 12 digits")
}

// accountOf returns the AWS account that the credentials belong to.
func accountOf(ctx context.Context, cloud aws.Config) (string, error) {
	who, err := sts.NewFromConfig(cloud).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", fmt.Errorf("find out which AWS account this is: %w", err)
	}
	return aws.ToString(who.Account), nil
}

// ask says what will be done on which account, and returns nil if that is agreed to: by an answer on the terminal, or by
// the flags.
func (c consent) ask(cmd *cobra.Command, account, what string) error {
	name := "AWS account " + account
	if account == localAccount {
		name = "the local endpoint"
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "On %s: %s.\n", name, what)
	if c.account != "" && c.account != account {
		return fmt.Errorf("--account %s is meant, but the credentials are of account %s", c.account, account)
	}
	if c.yes {
		if account != localAccount && c.account == "" {
			return fmt.Errorf("--yes on a real account needs --account %s as well", account)
		}
		return nil
	}
	if in, ok := cmd.InOrStdin().(*os.File); ok && !term.IsTerminal(int(in.Fd())) {
		return errors.New("nobody can be asked here: give --yes")
	}
	fmt.Fprint(cmd.ErrOrStderr(), "Go on? [y/N] ")
	answer, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if err != nil || !strings.EqualFold(strings.TrimSpace(answer), "y") {
		return errors.New("not agreed to: nothing was changed")
	}
	return nil
}
