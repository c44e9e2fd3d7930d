package functions

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/internal/secret"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// Execution wires the function that trades a plan.
func Execution(f *Function) (Service, error) {
	broker, err := f.Broker()
	if err != nil {
		return Service{}, err
	}
	trading, err := secret.NewSwitch(ssm.NewFromConfig(f.AWS), f.Config.Stage)
	if err != nil {
		return Service{}, err
	}
	service, err := execution.New(execution.Config{
		Broker: broker, Ledger: f.Store, Plans: f.Store, Switch: trading, MaxPlanAge: f.Config.Execution.MaxPlanAge,
		StepInterval: f.Config.Execution.StepInterval, LimitSteps: f.Config.Execution.Steps, CloseMargin: f.Config.Execution.CloseMargin,
		Now: time.Now,
	})
	if err != nil {
		return Service{}, err
	}
	return Service{
		Handle: service.Handle, Types: []events.Type{events.TypeRebalancePlanned}, Checks: []Check{broker.check(), checkSwitch(trading)},
	}, nil
}

// checkSwitch reads the kill switch. That trading is off is no fault of a version.
func checkSwitch(trading *secret.Switch) Check {
	return Check{Name: "kill switch", Do: func(ctx context.Context) (string, error) {
		on, err := trading.TradingEnabled(ctx)
		if on {
			return "trading is on", err
		}
		return "trading is off", err
	}}
}
