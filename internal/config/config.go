// Package config reads the environment once into one typed struct and reports everything that is wrong with it together,
// by the names of the variables. It checks what a value must look like; what it means is checked where it is used.
package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/broker/alpaca/conn"
	"github.com/the-alchemiser/alchemiser/pkg/bus"
)

// Config is the environment of a function. What has no default must be set.
type Config struct {
	// Stage is part of every name: dev, prod.
	Stage string `env:"STAGE,notEmpty"`
	// Mode says whether events have effects.
	Mode Mode `env:"MODE" envDefault:"live"`
	// StateTable is the DynamoDB table that holds all state.
	StateTable string     `env:"STATE__TABLE,notEmpty"`
	Bus        bus.Config `envPrefix:"EVENTBRIDGE__"`
	Broker     Broker     `envPrefix:"BROKER__"`
	Portfolio  Portfolio  `envPrefix:"PORTFOLIO__"`
	Execution  Execution  `envPrefix:"EXECUTION__"`
	// DeadLettersURL is the function's own dead letter queue.
	DeadLettersURL string `env:"DLQ__URL,notEmpty"`
	// NotifyTopicARN is where digests for people go.
	NotifyTopicARN string `env:"NOTIFY__TOPIC_ARN,notEmpty"`
	Lambda         Lambda
}

// Mode says whether events have effects.
type Mode string

const (
	// ModeLive is the mode in which functions trade and publish.
	ModeLive Mode = "live"
	// ModeShadow is the mode in which functions record what is delivered to them, and do nothing else.
	ModeShadow Mode = "shadow"
)

// Broker is where orders go.
type Broker struct {
	// BaseURL is the trading API, DataURL the market data API: scheme and host.
	BaseURL string `env:"BASE_URL,notEmpty"`
	DataURL string `env:"DATA_URL,notEmpty"`
	// SecretID names the SSM parameter with the broker's keys.
	SecretID string `env:"SECRET_ID,notEmpty"`
	// AllowLive must be true to trade real money, and may be true for nothing else.
	AllowLive bool `env:"ALLOW_LIVE" envDefault:"false"`
}

// Portfolio is how plans are made.
type Portfolio struct {
	// ID is the portfolio that the daily schedules start: its rebalance is due each trading day.
	ID string `env:"ID" envDefault:"main"`
	// CashReserve and Tolerance are fractions of equity, MinTrade is in US dollars.
	CashReserve decimal.Decimal `env:"CASH_RESERVE,notEmpty"`
	MinTrade    decimal.Decimal `env:"MIN_TRADE,notEmpty"`
	Tolerance   decimal.Decimal `env:"TOLERANCE,notEmpty"`
	// MaxTurnover is a fraction of equity, MaxOrder is in US dollars: a plan beyond them is not traded. MaxSpread is a
	// fraction of the price: a symbol whose bid and ask are further apart is not traded.
	MaxTurnover decimal.Decimal `env:"MAX_TURNOVER" envDefault:"1"`
	MaxOrder    decimal.Decimal `env:"MAX_ORDER" envDefault:"250000"`
	MaxSpread   decimal.Decimal `env:"MAX_SPREAD" envDefault:"0.05"`
}

// Execution is how plans are traded.
type Execution struct {
	// MaxPlanAge is how old a plan may be, StepInterval how long an order is left working before the next.
	MaxPlanAge   time.Duration `env:"MAX_PLAN_AGE" envDefault:"30m"`
	StepInterval time.Duration `env:"STEP_INTERVAL" envDefault:"10s"`
	// Steps is how many limit orders a trade may take, from the middle of the spread to its far side, before the market.
	Steps int `env:"STEPS" envDefault:"3"`
	// CloseMargin is the time before the close in which nothing is submitted.
	CloseMargin time.Duration `env:"CLOSE_MARGIN" envDefault:"30s"`
}

// Lambda is what AWS sets by itself.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
type Lambda struct {
	// TaskRoot is the folder that the zip was unpacked to.
	TaskRoot string `env:"LAMBDA_TASK_ROOT,notEmpty"`
	// Version is the function's published version.
	Version string `env:"AWS_LAMBDA_FUNCTION_VERSION,notEmpty"`
}

// Load returns the configuration that environ, in the form of os.Environ, holds, or an error that names every variable
// that is missing or wrong.
func Load(environ []string) (Config, error) {
	var c Config
	var faults []error
	if err := env.ParseWithOptions(&c, env.Options{Environment: env.ToMap(environ)}); err != nil {
		faults = append(faults, byVariable(err)...)
	}
	missing := len(faults) > 0
	if c.Stage != "" && !stage.MatchString(c.Stage) {
		faults = append(faults, fmt.Errorf("STAGE is %q, want 2 to 16 of a-z, 0-9 and -, beginning with a letter", c.Stage))
	}
	if c.Mode != ModeLive && c.Mode != ModeShadow {
		faults = append(faults, fmt.Errorf("MODE is %q, want %q or %q", c.Mode, ModeLive, ModeShadow))
	}
	if !missing { // the rest would only repeat what is missing
		faults = append(faults, c.Bus.Validate())
	}
	faults = append(faults, c.Broker.validate()...)
	if err := errors.Join(faults...); err != nil {
		return Config{}, fmt.Errorf("environment:\n%w", err)
	}
	return c, nil
}

var stage = regexp.MustCompile(`^[a-z][a-z0-9-]{1,15}$`)

// validate ties real money to both the address and the permission. The address is read by the code that also connects.
func (b Broker) validate() []error {
	var faults []error
	if b.BaseURL != "" {
		_, venue, err := conn.ParseBase(b.BaseURL)
		switch live := venue == conn.VenueLive; {
		case err != nil:
			faults = append(faults, fmt.Errorf("BROKER__BASE_URL: %w", err))
		case live && !b.AllowLive:
			faults = append(faults, fmt.Errorf("BROKER__BASE_URL is %s, which trades real money: set BROKER__ALLOW_LIVE=true or use https://paper-api.alpaca.markets", b.BaseURL))
		case !live && b.AllowLive:
			faults = append(faults, fmt.Errorf("BROKER__ALLOW_LIVE is true, but BROKER__BASE_URL is %s, not https://api.alpaca.markets: say which is meant", b.BaseURL))
		}
	}
	if b.DataURL != "" {
		if _, _, err := conn.ParseBase(b.DataURL); err != nil {
			faults = append(faults, fmt.Errorf("BROKER__DATA_URL: %w", err))
		}
	}
	return faults
}

// byVariable returns the library's faults, each with the name of the variable: of a value that cannot be read it names
// the Go field alone.
func byVariable(err error) []error {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return []error{err}
	}
	names := variables(reflect.TypeFor[Config](), "")
	var faults []error
	for _, e := range all.Errors {
		var unset env.VarIsNotSetError
		var empty env.EmptyVarError
		var unread env.ParseError
		switch {
		case errors.As(e, &unset):
			e = fmt.Errorf("%s is not set", unset.Key)
		case errors.As(e, &empty):
			e = fmt.Errorf("%s is not set", empty.Key)
		case errors.As(e, &unread):
			e = fmt.Errorf("%s: want a %s: %w", names[unread.Name], unread.Type, unread.Err)
		}
		faults = append(faults, e)
	}
	return faults
}

// variables returns the variable of each field of t; no two fields of the configuration have the same name.
func variables(t reflect.Type, prefix string) map[string]string {
	names := map[string]string{}
	for field := range t.Fields() {
		if name, ok := field.Tag.Lookup("env"); ok {
			name, _, _ = strings.Cut(name, ",")
			names[field.Name] = prefix + name
			continue
		}
		maps.Copy(names, variables(field.Type, prefix+field.Tag.Get("envPrefix")))
	}
	return names
}
