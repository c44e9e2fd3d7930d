package bus

import (
	"errors"
	"fmt"
	"regexp"
)

const variablePrefix = "EVENTBRIDGE__"

var sourcePrefix = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

// Config is how the environment sets up the bus. The variables start with EVENTBRIDGE__; internal/config reads them.
type Config struct {
	// UseEventBridge chooses EventBridge; otherwise events stay in the process.
	UseEventBridge bool `env:"USE_EVENTBRIDGE" envDefault:"true"`
	// EnableDualPublish keeps events in the process and publishes them on EventBridge too, whose functions run as shadow.
	EnableDualPublish bool `env:"ENABLE_DUAL_PUBLISH" envDefault:"false"`
	// EventBusName is the name or ARN of the bus on EventBridge. It is required there: PutEvents to a bus that does not
	// exist succeeds and drops the events.
	EventBusName string `env:"EVENT_BUS_NAME"`
	// SourcePrefix is put before the publishing function: "alchemiser" makes "alchemiser.strategy". Rules match on it.
	SourcePrefix string `env:"SOURCE_PREFIX" envDefault:"alchemiser"`
	// MaxRetryAttempts is the number of attempts after the first, of publishing and of delivery.
	MaxRetryAttempts int `env:"MAX_RETRY_ATTEMPTS" envDefault:"3"`
	// MaxEventAgeSeconds ends the attempts of a delivery.
	MaxEventAgeSeconds int `env:"MAX_EVENT_AGE_SECONDS" envDefault:"3600"`
	// MaxEventBytes is the largest entry that is sent, as EventBridge counts it.
	MaxEventBytes int `env:"MAX_EVENT_BYTES" envDefault:"204800"`
	// ArchiveRetentionDays is how long events can be replayed.
	ArchiveRetentionDays int `env:"ARCHIVE_RETENTION_DAYS" envDefault:"365"`
}

// Mode is where events travel.
type Mode string

// The modes, in the order of a migration. In ModeDual events travel in the process, and EventBridge is tried out beside it.
const (
	ModeMemory      Mode = "memory"
	ModeDual        Mode = "dual"
	ModeEventBridge Mode = "eventbridge"
)

// Mode returns what the configuration asks for.
func (c Config) Mode() Mode {
	switch {
	case c.EnableDualPublish:
		return ModeDual
	case c.UseEventBridge:
		return ModeEventBridge
	default:
		return ModeMemory
	}
}

// Validate returns all faults of the configuration, each with its variable, or nil.
func (c Config) Validate() error {
	var errs []error
	if c.Mode() != ModeMemory && c.EventBusName == "" {
		errs = append(errs, errors.New(variablePrefix+"EVENT_BUS_NAME is not set: name the bus, or set "+variablePrefix+"USE_EVENTBRIDGE=false without dual publish"))
	}
	if !sourcePrefix.MatchString(c.SourcePrefix) {
		errs = append(errs, fmt.Errorf("%sSOURCE_PREFIX is %q, want letters, digits, _ and - in parts joined by dots", variablePrefix, c.SourcePrefix))
	}
	// The limits are EventBridge's: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RetryPolicy.html
	for _, v := range []struct {
		name               string
		value, least, most int
	}{
		{"MAX_RETRY_ATTEMPTS", c.MaxRetryAttempts, 0, 185},
		{"MAX_EVENT_AGE_SECONDS", c.MaxEventAgeSeconds, 60, 86400},
		{"MAX_EVENT_BYTES", c.MaxEventBytes, 1024, 1024 * 1024},
		{"ARCHIVE_RETENTION_DAYS", c.ArchiveRetentionDays, 1, 36500},
	} {
		if v.value < v.least || v.value > v.most {
			errs = append(errs, fmt.Errorf("%s%s is %d, want %d to %d", variablePrefix, v.name, v.value, v.least, v.most))
		}
	}
	return errors.Join(errs...)
}
