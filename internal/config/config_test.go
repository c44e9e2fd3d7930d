package config_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/config"
)

// environment is what Terraform and Lambda set, with changes.
func environment(changes map[string]string) []string {
	all := map[string]string{
		"STAGE": "dev", "MODE": "live", "STATE__TABLE": "alchemiser-state-dev", "EVENTBRIDGE__EVENT_BUS_NAME": "bus",
		"BROKER__BASE_URL": "https://paper-api.alpaca.markets", "BROKER__DATA_URL": "https://data.alpaca.markets",
		"BROKER__SECRET_ID": "/alchemiser/dev/broker", "PORTFOLIO__CASH_RESERVE": "0.01", "PORTFOLIO__MIN_TRADE": "5",
		"PORTFOLIO__TOLERANCE": "0.005", "DLQ__URL": "https://sqs/dlq", "NOTIFY__TOPIC_ARN": "arn:aws:sns:us-east-1:000000000000:digest",
		"LAMBDA_TASK_ROOT": "/var/task", "AWS_LAMBDA_FUNCTION_VERSION": "7",
	}
	maps.Copy(all, changes)
	var environ []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name] != "unset" {
			environ = append(environ, name+"="+all[name])
		}
	}
	return environ
}

func TestLoad(t *testing.T) {
	c, err := config.Load(environment(map[string]string{"EXECUTION__STEP_INTERVAL": "2s"}))
	if err != nil {
		t.Fatal(err)
	}
	if c.Stage != "dev" || c.StateTable != "alchemiser-state-dev" || c.Bus.EventBusName != "bus" || c.Portfolio.MinTrade.String() != "5" || c.Portfolio.MaxTurnover.String() != "1" || c.Portfolio.MaxOrder.String() != "250000" {
		t.Errorf("loaded %+v", c)
	}
	if c.Execution.MaxPlanAge != 30*time.Minute || c.Execution.StepInterval != 2*time.Second || c.Execution.Steps != 3 || c.Execution.CloseMargin != 30*time.Second || c.Bus.SourcePrefix != "alchemiser" || c.Broker.AllowLive {
		t.Errorf("defaults: %+v", c)
	}
}

func TestLoadRefuses(t *testing.T) {
	tests := map[string]struct {
		changes map[string]string
		want    []string
	}{
		"what is missing, all of it": {
			map[string]string{"STAGE": "unset", "STATE__TABLE": "unset", "BROKER__SECRET_ID": "", "DLQ__URL": "unset", "PORTFOLIO__TOLERANCE": "unset"},
			[]string{"STAGE is not set", "STATE__TABLE is not set", "BROKER__SECRET_ID is not set", "DLQ__URL is not set", "PORTFOLIO__TOLERANCE is not set"},
		},
		"what cannot be read, by the variable's name, beside what is missing": {
			map[string]string{"PORTFOLIO__MIN_TRADE": "five", "EXECUTION__MAX_PLAN_AGE": "30", "BROKER__ALLOW_LIVE": "maybe", "EVENTBRIDGE__MAX_EVENT_BYTES": "many", "STAGE": "unset"},
			[]string{"PORTFOLIO__MIN_TRADE", "EXECUTION__MAX_PLAN_AGE", "BROKER__ALLOW_LIVE", "EVENTBRIDGE__MAX_EVENT_BYTES", "STAGE"},
		},
		"a bus without a name":        {map[string]string{"EVENTBRIDGE__EVENT_BUS_NAME": "unset"}, []string{"EVENTBRIDGE__EVENT_BUS_NAME"}},
		"a stage that is no name":     {map[string]string{"STAGE": "Dev/1"}, []string{"STAGE"}},
		"a mode that is none":         {map[string]string{"MODE": "dry"}, []string{`MODE is "dry"`}},
		"live trading by address":     {map[string]string{"BROKER__BASE_URL": "https://api.alpaca.markets"}, []string{"BROKER__ALLOW_LIVE=true"}},
		"live trading by permission":  {map[string]string{"BROKER__ALLOW_LIVE": "true"}, []string{"BROKER__ALLOW_LIVE is true"}},
		"an address with a path":      {map[string]string{"BROKER__BASE_URL": "https://api.alpaca.markets/v2"}, []string{"BROKER__BASE_URL"}},
		"an address that looks alike": {map[string]string{"BROKER__BASE_URL": "https://API.alpaca.markets."}, []string{"BROKER__BASE_URL"}},
		"a live host in disguise":     {map[string]string{"BROKER__BASE_URL": "https://api.alpaca.markets@example.com"}, []string{"BROKER__BASE_URL"}},
		"a live host elsewhere":       {map[string]string{"BROKER__BASE_URL": "https://api.alpaca.markets.example.com", "BROKER__ALLOW_LIVE": "true"}, []string{"BROKER__ALLOW_LIVE is true"}},
		"a data address without host": {map[string]string{"BROKER__DATA_URL": "data.alpaca.markets"}, []string{"BROKER__DATA_URL"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := config.Load(environment(tt.changes))
			if err == nil {
				t.Fatal("loaded")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error does not say %q:\n%v", want, err)
				}
			}
		})
	}
}

func TestLiveTradingWithAddressAndPermission(t *testing.T) {
	c, err := config.Load(environment(map[string]string{"BROKER__BASE_URL": "https://api.alpaca.markets", "BROKER__ALLOW_LIVE": "true"}))
	if err != nil || !c.Broker.AllowLive {
		t.Errorf("loaded %+v, %v", c.Broker, err)
	}
}

func ExampleLoad() {
	_, err := config.Load(environment(map[string]string{"STAGE": "unset", "MODE": "dry"}))
	fmt.Println(err)
	// Output:
	// environment:
	// STAGE is not set
	// MODE is "dry", want "live" or "shadow"
}
