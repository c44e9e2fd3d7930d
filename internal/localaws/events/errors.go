package events

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

func (s *Service) now() time.Time { return s.cfg.Clock.Now().UTC() }

func invalid(format string, args ...any) *wire.Error {
	return wire.Errorf("ValidationException", format, args...)
}

func notFound(format string, args ...any) *wire.Error {
	return wire.Errorf("ResourceNotFoundException", format, args...)
}

func exists(format string, args ...any) *wire.Error {
	return wire.Errorf("ResourceAlreadyExistsException", format, args...)
}

func limitExceeded() *wire.Error {
	return wire.Errorf("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
}

// constraint is a member's refusal in the words of AWS's front end.
func constraint(value any, member, format string, args ...any) *wire.Error {
	return invalid("1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: Member must %s",
		value, member, fmt.Sprintf(format, args...))
}

// checkName refuses what cannot be a name of at most most characters.
func checkName(value, member string, most int) *wire.Error {
	const allowed = `[\.\-_A-Za-z0-9]+`
	switch {
	case value == "":
		return constraint(value, member, "have length greater than or equal to 1")
	case !regexp.MustCompile("^" + allowed + "$").MatchString(value):
		return constraint(value, member, "satisfy regular expression pattern: %s", allowed)
	case len(value) > most:
		return constraint(value, member, "have length less than or equal to %d", most)
	}
	return nil
}

func checkEnum(value, member string, allowed ...string) *wire.Error {
	for _, a := range allowed {
		if value == a {
			return nil
		}
	}
	return constraint(value, member, "satisfy enum value set: [%s]", strings.Join(allowed, ", "))
}
