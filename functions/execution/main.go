// Command execution is the function that trades a plan.
package main

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/the-alchemiser/alchemiser/functions/internal/lambdamain"
	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/internal/secret"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

func main() { lambdamain.Main("execution", wire) }

func wire(f *lambdamain.Function) (lambdamain.Service, error) {
	broker, err := f.Broker()
	if err != nil {
		return lambdamain.Service{}, err
	}
	trading, err := secret.NewSwitch(ssm.NewFromConfig(f.AWS), f.Config.Stage)
	if err != nil {
		return lambdamain.Service{}, err
	}
	service, err := execution.New(execution.Config{
		Broker: broker, Ledger: f.Store, Plans: f.Store, Switch: trading, MaxPlanAge: f.Config.Execution.MaxPlanAge,
		StepInterval: f.Config.Execution.StepInterval, LimitSteps: f.Config.Execution.Steps, CloseMargin: f.Config.Execution.CloseMargin,
		Now: time.Now,
	})
	if err != nil {
		return lambdamain.Service{}, err
	}
	return lambdamain.Service{Handle: service.Handle, Types: []events.Type{events.TypeRebalancePlanned}}, nil
}
