package scheduler

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

func invalid(format string, args ...any) *wire.Error {
	return wire.Errorf("ValidationException", format, args...)
}

func notFound(format string, args ...any) *wire.Error {
	return &wire.Error{
		Code: "ResourceNotFoundException", Message: fmt.Sprintf(format, args...), Status: http.StatusNotFound,
	}
}

func conflict(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "ConflictException", Message: fmt.Sprintf(format, args...), Status: http.StatusConflict}
}

// Quotas. AWS takes a million schedules; the endpoint goes through all of them whenever one is due.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html
const (
	maxSchedules = 100_000
	maxGroups    = 500
)

func exceeded(what string, most int) *wire.Error {
	return &wire.Error{
		Code: "ServiceQuotaExceededException", Message: fmt.Sprintf("The request exceeds the quota of %d %s.", most, what),
		Status: http.StatusPaymentRequired,
	}
}

// fingerprint is the same for the same request with the same token.
func fingerprint(token string, request any) (string, error) {
	raw, err := json.Marshal(request)
	if err != nil {
		return "", fmt.Errorf("fingerprint request: %w", err)
	}
	sum := sha256.Sum256(raw)
	return token + " " + hex.EncodeToString(sum[:]), nil
}

// constraint is a member's refusal in the words of AWS's front end.
func constraint(value any, member, format string, args ...any) *wire.Error {
	return invalid("1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: Member must %s",
		value, member, fmt.Sprintf(format, args...))
}

func checkName(value, member string) error {
	const allowed, most = `[0-9a-zA-Z-_.]+`, 64
	switch {
	case !regexp.MustCompile(`^[0-9a-zA-Z_.-]+$`).MatchString(value):
		return constraint(value, member, "satisfy regular expression pattern: ^%s$", allowed)
	case len(value) > most:
		return constraint(value, member, "have length less than or equal to %d", most)
	}
	return nil
}

func checkEnum(value, member string, allowed ...string) error {
	if !slices.Contains(allowed, value) {
		return constraint(value, member, "satisfy enum value set: [%s]", strings.Join(allowed, ", "))
	}
	return nil
}

func checkRange(value *int, member string, from, to int) error {
	switch {
	case value == nil:
		return nil
	case *value < from:
		return constraint(*value, member, "have value greater than or equal to %d", from)
	case *value > to:
		return constraint(*value, member, "have value less than or equal to %d", to)
	}
	return nil
}

// Page is what list requests have in common.
type Page struct {
	MaxResults *int   `query:"MaxResults"`
	NextToken  string `query:"NextToken"`
	NamePrefix string `query:"NamePrefix"`
}

// cut returns the keys, sorted, of the page that p asks for, and the token of the page after it.
func (p Page) cut(keys []string) (page []string, next string, err error) {
	const most = 100
	if err := checkRange(p.MaxResults, "maxResults", 1, most); err != nil {
		return nil, "", err
	}
	limit := most
	if p.MaxResults != nil {
		limit = *p.MaxResults
	}
	from, err := base64.RawURLEncoding.DecodeString(p.NextToken)
	if err != nil {
		return nil, "", invalid("Invalid NextToken.")
	}
	slices.Sort(keys)
	keys = keys[sort.SearchStrings(keys, string(from)):]
	if len(keys) <= limit {
		return keys, "", nil
	}
	return keys[:limit], base64.RawURLEncoding.EncodeToString([]byte(keys[limit])), nil
}
