package filter

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// delimited matches messages by their fields: words, and what stands in brackets or double quotes.
type delimited struct {
	before, after []fieldTest
	// open says that an ellipsis stands between before and after.
	open bool
}

// fieldTest decides on one field.
type fieldTest func(field string) bool

// Match implements Pattern.
func (d delimited) Match(message string) bool {
	fields := split(message)
	n := len(d.before) + len(d.after)
	if len(fields) < n || !d.open && len(fields) != n {
		return false
	}
	for i, test := range d.before {
		if !test(fields[i]) {
			return false
		}
	}
	for i, test := range d.after {
		if !test(fields[len(fields)-len(d.after)+i]) {
			return false
		}
	}
	return true
}

// split returns the fields of a message.
func split(message string) []string {
	var fields []string
	for rest := strings.TrimSpace(message); rest != ""; rest = strings.TrimLeft(rest, " \t\r\n") {
		end, closing := strings.IndexAny(rest, " \t\r\n"), map[byte]string{'[': "]", '"': `"`}[rest[0]]
		if i := strings.Index(rest[1:], closing); closing != "" && i >= 0 {
			fields, rest = append(fields, rest[1:1+i]), rest[i+2:]
			continue
		}
		if end < 0 {
			end = len(rest)
		}
		fields, rest = append(fields, rest[:end]), rest[end:]
	}
	return fields
}

// parseDelimited reads [field, field = value, ...].
func parseDelimited(text string) (Pattern, error) {
	inside, ok := strings.CutSuffix(strings.TrimPrefix(text, "["), "]")
	if !ok || strings.TrimSpace(inside) == "" {
		return nil, fmt.Errorf("%w: %q is not a list of fields in brackets", ErrInvalid, text)
	}
	var d delimited
	for _, part := range cutOutside(inside, ",") {
		part = strings.TrimSpace(part)
		if part == "..." {
			if d.open {
				return nil, fmt.Errorf("%w: %q has more than one ellipsis", ErrInvalid, text)
			}
			d.open = true
			continue
		}
		test, err := parseField(part)
		if err != nil {
			return nil, err
		}
		if d.open {
			d.after = append(d.after, test)
		} else {
			d.before = append(d.before, test)
		}
	}
	return d, nil
}

// cutOutside cuts text at separators that do not stand in quotes or regular expressions.
func cutOutside(text, separator string) []string {
	var parts []string
	var mark byte
	from := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case mark != 0:
			if c == mark {
				mark = 0
			}
		case c == '"' || c == '%':
			mark = c
		case strings.HasPrefix(text[i:], separator):
			parts = append(parts, text[from:i])
			from = i + len(separator)
			i = from - 1
		}
	}
	return append(parts, text[from:])
}

// parseField reads "name", "name = value" or several of the latter with && and ||, of which && binds tighter.
func parseField(text string) (fieldTest, error) {
	var alternatives []fieldTest
	for _, alternative := range cutOutside(text, "||") {
		var all []fieldTest
		for _, condition := range cutOutside(alternative, "&&") {
			test, err := parseFieldCondition(strings.TrimSpace(condition))
			if err != nil {
				return nil, err
			}
			all = append(all, test)
		}
		alternatives = append(alternatives, func(field string) bool {
			return !slices.ContainsFunc(all, func(test fieldTest) bool { return !test(field) })
		})
	}
	return func(field string) bool {
		return slices.ContainsFunc(alternatives, func(test fieldTest) bool { return test(field) })
	}, nil
}

var fieldExpr = regexp.MustCompile(`^([A-Za-z0-9_]*)\s*(?:(!=|<=|>=|=|<|>)\s*(\S.*))?$`)

func parseFieldCondition(text string) (fieldTest, error) {
	found := fieldExpr.FindStringSubmatch(text)
	if found == nil {
		return nil, fmt.Errorf("%w: %q is not a field", ErrInvalid, text)
	}
	operator, value := found[2], strings.TrimSpace(found[3])
	if operator == "" {
		return func(string) bool { return true }, nil
	}
	if n, err := strconv.ParseFloat(value, 64); err == nil {
		return func(field string) bool {
			x, err := strconv.ParseFloat(field, 64)
			return err == nil && holds(operator, x, n)
		}, nil
	}
	if operator != "=" && operator != "!=" {
		return nil, fmt.Errorf("%w: %q: a text can be compared by = and != only", ErrInvalid, text)
	}
	test := like(strings.Trim(value, `"`))
	if len(value) > 1 && value[0] == '%' && value[len(value)-1] == '%' {
		re, err := regexp.Compile(value[1 : len(value)-1])
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		test = func(v any) bool { return re.MatchString(show(v)) }
	}
	return func(field string) bool { return test(field) == (operator == "=") }, nil
}

func holds(operator string, x, n float64) bool {
	switch operator {
	case "=":
		return x == n
	case "!=":
		return x != n
	case "<":
		return x < n
	case "<=":
		return x <= n
	case ">":
		return x > n
	}
	return x >= n
}
