// Command portfolio is the function that answers target weights with a plan.
package main

import (
	"github.com/the-alchemiser/alchemiser/functions/internal/lambdamain"
	"github.com/the-alchemiser/alchemiser/internal/portfolio"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

func main() { lambdamain.Main("portfolio", wire) }

func wire(f *lambdamain.Function) (lambdamain.Service, error) {
	broker, err := f.Broker()
	if err != nil {
		return lambdamain.Service{}, err
	}
	service, err := portfolio.New(portfolio.Config{
		Broker: broker, CashReserve: f.Config.Portfolio.CashReserve, MinTrade: f.Config.Portfolio.MinTrade,
		Tolerance: f.Config.Portfolio.Tolerance, MaxTurnover: f.Config.Portfolio.MaxTurnover, MaxOrder: f.Config.Portfolio.MaxOrder,
		MaxSpread: f.Config.Portfolio.MaxSpread,
	})
	if err != nil {
		return lambdamain.Service{}, err
	}
	return lambdamain.Service{Handle: service.Handle, Types: []events.Type{events.TypeSignalGenerated}}, nil
}
