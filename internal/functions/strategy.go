package functions

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	prices "github.com/the-alchemiser/alchemiser/internal/marketdata/alpaca"
	"github.com/the-alchemiser/alchemiser/internal/strategy"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// Strategy wires the function that answers the start of a workflow with target weights.
func Strategy(f *Function) (Service, error) {
	broker, err := f.Broker()
	if err != nil {
		return Service{}, err
	}
	bars, err := prices.New(prices.Config{
		DataURL: f.Config.Broker.DataURL, Broker: broker, Credentials: broker.Keys.Credentials, Transport: broker.Transport,
	})
	if err != nil {
		return Service{}, err
	}
	service, err := strategy.New(strategy.Config{
		Broker: broker, Prices: bars, Runs: f.Store, Now: time.Now,
		Strategies: os.DirFS(filepath.Join(f.Config.Lambda.TaskRoot, "strategies")),
	})
	if err != nil {
		return Service{}, err
	}
	return Service{
		Handle: service.Handle, Types: []events.Type{events.TypeWorkflowStarted}, Warnings: service.Warnings(),
		Checks: []Check{broker.check(), checkSymbols(broker, service.Symbols())},
	}, nil
}

// checkSymbols asks the broker for each symbol that the strategies can hold or look at.
func checkSymbols(broker Broker, symbols []string) Check {
	return Check{Name: "symbols", Do: func(ctx context.Context) (string, error) {
		for _, symbol := range symbols {
			if _, err := broker.Asset(ctx, symbol); err != nil {
				return "", err
			}
		}
		return fmt.Sprintf("the broker knows all %d", len(symbols)), nil
	}}
}
