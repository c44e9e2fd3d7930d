package functions

import (
	"github.com/the-alchemiser/alchemiser/internal/portfolio"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// Portfolio wires the function that answers target weights with a plan.
func Portfolio(f *Function) (Service, error) {
	broker, err := f.Broker()
	if err != nil {
		return Service{}, err
	}
	service, err := portfolio.New(portfolio.Config{
		Broker: broker, CashReserve: f.Config.Portfolio.CashReserve, MinTrade: f.Config.Portfolio.MinTrade,
		Tolerance: f.Config.Portfolio.Tolerance, MaxTurnover: f.Config.Portfolio.MaxTurnover, MaxOrder: f.Config.Portfolio.MaxOrder,
		MaxSpread: f.Config.Portfolio.MaxSpread,
	})
	if err != nil {
		return Service{}, err
	}
	return Service{Handle: service.Handle, Types: []events.Type{events.TypeSignalGenerated}, Checks: []Check{broker.check()}}, nil
}
