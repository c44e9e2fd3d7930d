package policy

import (
	"strings"
	"unicode/utf8"
)

// token is a part of a pattern: a literal character, or one of the wildcards.
type token struct {
	char rune
	kind tokenKind
}

type tokenKind int

const (
	literal tokenKind = iota
	anyOne
	anyMany
)

// tokens splits a pattern and puts the values of policy variables in, in which * and ? mean themselves. A variable
// without a value and without a default makes the pattern match nothing: ok is false.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
func tokens(pattern string, context map[string][]string) (ts []token, ok bool) {
	for pattern != "" {
		if strings.HasPrefix(pattern, "${") {
			if name, rest, closed := strings.Cut(pattern[2:], "}"); closed {
				value, known := variable(name, context)
				if !known {
					return nil, false
				}
				for _, c := range value {
					ts = append(ts, token{char: c})
				}
				pattern = rest
				continue
			}
		}
		c, size := utf8.DecodeRuneInString(pattern)
		t := token{char: c}
		switch c {
		case '*':
			t.kind = anyMany
		case '?':
			t.kind = anyOne
		}
		ts = append(ts, t)
		pattern = pattern[size:]
	}
	return ts, true
}

func variable(name string, context map[string][]string) (string, bool) {
	switch name {
	case "*", "?", "$":
		return name, true
	}
	name, fallback, hasFallback := strings.Cut(name, ",")
	if values := context[strings.ToLower(strings.TrimSpace(name))]; len(values) == 1 {
		return values[0], true
	}
	return strings.Trim(strings.TrimSpace(fallback), "'"), hasFallback
}

// glob says whether s matches pattern, in which * stands for any characters and ? for one.
func glob(pattern, s string, context map[string][]string) bool {
	ts, ok := tokens(pattern, context)
	return ok && matchTokens(ts, []rune(s))
}

// matchTokens goes back only to the last *, so its time is bounded by the product of the lengths.
func matchTokens(ts []token, s []rune) bool {
	t, i := 0, 0
	star, mark := -1, 0
	for i < len(s) {
		switch {
		case t < len(ts) && ts[t].kind == anyMany:
			star, mark = t, i
			t++
		case t < len(ts) && (ts[t].kind == anyOne || ts[t].char == s[i]):
			t++
			i++
		case star >= 0:
			mark++
			t, i = star+1, mark
		default:
			return false
		}
	}
	for t < len(ts) && ts[t].kind == anyMany {
		t++
	}
	return t == len(ts)
}

// matchARN compares two ARNs part by part: a wildcard does not reach over the first five colons. "*" alone matches
// everything.
func matchARN(pattern, arn string, context map[string][]string) bool {
	if pattern == "*" {
		return true
	}
	ps, as := splitARN(pattern), strings.SplitN(arn, ":", 6)
	if len(ps) != 6 || len(as) != 6 {
		return false
	}
	for i := range ps {
		if !glob(ps[i], as[i], context) {
			return false
		}
	}
	return true
}

// splitARN splits a pattern at colons outside of variables, which have colons in their names.
func splitARN(pattern string) []string {
	var parts []string
	start, depth := 0, 0
	for i := 0; i < len(pattern) && len(parts) < 5; i++ {
		switch {
		case strings.HasPrefix(pattern[i:], "${"):
			depth = 1
		case pattern[i] == '}':
			depth = 0
		case pattern[i] == ':' && depth == 0:
			parts = append(parts, pattern[start:i])
			start = i + 1
		}
	}
	return append(parts, pattern[start:])
}
