package events

import (
	"encoding/base64"
	"slices"
	"sort"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// pageSize is how many results a page has unless Limit says otherwise; also the most that Limit may ask for.
const pageSize = 100

// Page is what list requests have in common.
type Page struct {
	Limit     *int
	NextToken string
}

// cut returns the names with the prefix, sorted, of the page that p asks for, and the token of the page after it.
func (p Page) cut(names []string, prefix string) (page []string, next string, err error) {
	limit := pageSize
	if p.Limit != nil {
		limit = *p.Limit
	}
	if limit < 1 {
		return nil, "", constraint(limit, "limit", "have value greater than or equal to 1")
	}
	if limit > pageSize {
		return nil, "", constraint(limit, "limit", "have value less than or equal to %d", pageSize)
	}
	from, err := base64.RawURLEncoding.DecodeString(p.NextToken)
	if err != nil {
		return nil, "", wire.Errorf("InvalidToken", "Parameter NextToken is not valid.")
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(n, prefix) })
	slices.Sort(names)
	names = names[sort.SearchStrings(names, string(from)):]
	if len(names) <= limit {
		return names, "", nil
	}
	return names[:limit], base64.RawURLEncoding.EncodeToString([]byte(names[limit])), nil
}
