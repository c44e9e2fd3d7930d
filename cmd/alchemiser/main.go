// Command alchemiser is the operator's tool: one file per verb.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := newRootCommand().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "alchemiser:", err)
		os.Exit(exitCode(err))
	}
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "alchemiser",
		Short:         "Run and look after an event-driven portfolio trading system",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.PersistentFlags().String("stage", "dev", "stage of the stack: dev, staging, prod")
	_ = root.RegisterFlagCompletionFunc("stage", cobra.FixedCompletions([]string{"dev", "staging", "prod"}, cobra.ShellCompDirectiveNoFileComp))
	root.AddCommand(newLocalCommand(), newPaperCommand(), newDemoCommand(), newUpCommand(), newDownCommand(),
		newRunCommand(), newCompareCommand(), newDashboardCommand(), newPublishCommand(), newReplayCommand(), newDLQCommand(), newValidateCommand(), newStatusCommand(), newDoctorCommand(), newDeployCommand(), newRollbackCommand(), newMetricsCommand(), newWorkflowCommand(), newTraceCommand(), newLogsCommand(), newRulesCommand(), newTradingCommand(), newSignalsCommand(), newIndicatorCommand(), newBacktestCommand())
	return root
}
