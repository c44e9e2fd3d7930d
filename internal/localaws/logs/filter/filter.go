// Package filter is the filter pattern language of CloudWatch Logs: terms, phrases, regular expressions, JSON
// selectors and fields of space-delimited events.
//
// Language: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
package filter

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Pattern decides which messages count. It is safe for concurrent use.
type Pattern interface {
	Match(message string) bool
}

// ErrInvalid is wrapped by all errors of Parse.
var ErrInvalid = errors.New("invalid filter pattern")

// Parse reads a pattern. The empty one matches everything.
func Parse(text string) (Pattern, error) {
	trimmed := strings.TrimSpace(text)
	switch {
	case !utf8.ValidString(text):
		return nil, fmt.Errorf("%w: it is not UTF-8", ErrInvalid)
	case strings.HasPrefix(trimmed, "{"):
		return parseJSON(trimmed)
	case strings.HasPrefix(trimmed, "["):
		return parseDelimited(trimmed)
	}
	return parseTerms(trimmed)
}

// terms matches text: all of include, none of exclude. any counts only if it stands alone: AWS ignores it otherwise.
type terms struct {
	include, exclude, any []matcher
}

type matcher func(message string) bool

// Match implements Pattern.
func (t terms) Match(message string) bool {
	has := func(m matcher) bool { return m(message) }
	lacks := func(m matcher) bool { return !m(message) }
	if len(t.include)+len(t.exclude) == 0 && len(t.any) > 0 {
		return slices.ContainsFunc(t.any, has)
	}
	return !slices.ContainsFunc(t.include, lacks) && !slices.ContainsFunc(t.exclude, has)
}

func parseTerms(text string) (Pattern, error) {
	var t terms
	for text != "" {
		into := &t.include
		switch text[0] {
		case '?':
			into, text = &t.any, text[1:]
		case '-':
			into, text = &t.exclude, text[1:]
		}
		m, rest, err := parseTerm(text)
		if err != nil {
			return nil, err
		}
		*into = append(*into, m)
		text = strings.TrimLeft(rest, " \t\r\n")
	}
	return t, nil
}

func parseTerm(text string) (m matcher, rest string, err error) {
	switch {
	case strings.HasPrefix(text, `"`):
		phrase, rest, ok := strings.Cut(text[1:], `"`)
		if !ok {
			return nil, "", fmt.Errorf("%w: %s is not closed", ErrInvalid, text)
		}
		return containing(phrase), rest, nil
	case strings.HasPrefix(text, "%"):
		expression, rest, ok := strings.Cut(text[1:], "%")
		if !ok {
			return nil, "", fmt.Errorf("%w: %s is not closed", ErrInvalid, text)
		}
		re, err := regexp.Compile(expression)
		if err != nil {
			return nil, "", fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		return re.MatchString, rest, nil
	}
	end := strings.IndexAny(text, " \t\r\n")
	if end < 0 {
		end = len(text)
	}
	if end == 0 {
		return nil, "", fmt.Errorf("%w: a term is missing", ErrInvalid)
	}
	if i := strings.IndexFunc(text[:end], func(r rune) bool {
		return r < 0x80 && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}); i >= 0 {
		return nil, "", fmt.Errorf("%w: %q holds %q: terms with other than letters, digits and _ must stand in double quotes",
			ErrInvalid, text[:end], text[i])
	}
	return containing(text[:end]), text[end:], nil
}

func containing(term string) matcher {
	return func(message string) bool { return strings.Contains(message, term) }
}
