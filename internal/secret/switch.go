package secret

import (
	"context"
	"errors"

	"github.com/the-alchemiser/alchemiser/internal/execution"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// Switch is the kill switch of a stage, the SSM parameter /alchemiser/<stage>/trading_enabled. It is safe for concurrent
// use.
type Switch struct {
	client Client
	name   string
}

var _ execution.Switch = (*Switch)(nil)

// NewSwitch returns the kill switch of stage.
func NewSwitch(client Client, stage string) (*Switch, error) {
	if client == nil || stage == "" {
		return nil, errors.New("secret: client and stage are required")
	}
	return &Switch{client: client, name: "/alchemiser/" + stage + "/trading_enabled"}, nil
}

// TradingEnabled implements execution.Switch. It is never cached: whoever turns trading off is obeyed at the next order.
// A value other than true and false is a fault.Internal error.
func (s *Switch) TradingEnabled(ctx context.Context) (bool, error) {
	value, err := read(ctx, s.client, s.name, "--type String --value true")
	if err != nil {
		return false, err
	}
	switch value {
	case "true":
		return true, nil
	case "false":
		return false, nil
	default:
		return false, fault.New(fault.Internal, "SSM parameter %s is %q, want true or false", s.name, value)
	}
}
