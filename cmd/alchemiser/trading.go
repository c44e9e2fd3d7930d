package main

import (
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/internal/secret"
)

func newTradingCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trading",
		Short: "The kill switch: let no further order go out, or let orders go out again",
		Long: `The kill switch. Execution reads it before each order: once it is off no further order goes out. Orders that are working at the
broker stay there. Terraform never changes it.`,
	}
	cmd.AddCommand(newTradingStatusCommand(), newTradingSetCommand("on", true), newTradingSetCommand("off", false))
	return cmd
}

func newTradingStatusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say whether trading is on",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := newOperator(cmd)
			if err != nil {
				return err
			}
			kill, err := secret.NewSwitch(ssm.NewFromConfig(o.cloud), string(o.stage))
			if err != nil {
				return err
			}
			on, err := kill.TradingEnabled(cmd.Context())
			if err != nil {
				return err
			}
			return o.print(map[string]bool{"trading": on}, func() error {
				fmt.Fprintln(cmd.OutOrStdout(), "Trading is", onOff(on)+".")
				return nil
			})
		},
	}
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func newTradingSetCommand(word string, on bool) *cobra.Command {
	var agree consent
	cmd := &cobra.Command{
		Use:   word,
		Short: "Switch trading " + word,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := newOperator(cmd)
			if err != nil {
				return err
			}
			if err := agree.ask(cmd, o.account, "switch trading "+word+" for stage "+string(o.stage)); err != nil {
				return err
			}
			_, err = ssm.NewFromConfig(o.cloud).PutParameter(cmd.Context(), &ssm.PutParameterInput{
				Name: aws.String(o.stage.TradingSwitch()), Value: aws.String(strconv.FormatBool(on)), Type: ssmtypes.ParameterTypeString, Overwrite: aws.Bool(true),
			})
			if err != nil {
				return fmt.Errorf("switch trading %s: %w", word, err)
			}
			return o.print(map[string]bool{"trading": on}, func() error {
				fmt.Fprintln(cmd.OutOrStdout(), "Trading is", word+".")
				return nil
			})
		},
	}
	agree.flags(cmd)
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}
