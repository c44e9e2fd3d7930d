package xray

import (
	"fmt"
	"strconv"
	"strings"
)

type tokenKind int

const (
	endOfInput tokenKind = iota
	word                 // keywords, operators of letters, keys of annotations
	text                 // in quotes
	number
	symbol
)

type token struct {
	kind   tokenKind
	text   string
	number float64
}

// String returns the token as an error message shows it.
func (t token) String() string {
	if t.kind == endOfInput {
		return "the end"
	}
	return strconv.Quote(t.text)
}

// symbols, the longer ones first.
var symbols = []string{"!=", "<=", ">=", "&&", "||", "=", "<", ">", "!", "(", ")", "{", "}", "[", "]", ",", ":"}

// scan splits an expression into tokens and ends them with endOfInput.
func scan(s string) ([]token, error) {
	var tokens []token
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		if s == "" {
			return append(tokens, token{}), nil
		}
		t, length, err := first(s)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
		s = s[length:]
	}
}

// first returns the token that s starts with.
func first(s string) (t token, length int, err error) {
	switch c := s[0]; {
	case c == '"' || c == '\'':
		return quoted(s)
	case isDigit(c) || c == '-' || c == '.':
		length = 1 + countWhile(s[1:], func(c byte) bool { return isDigit(c) || strings.IndexByte(".eE+-", c) >= 0 })
		n, err := strconv.ParseFloat(s[:length], 64)
		if err != nil {
			return t, 0, fmt.Errorf("%q is not a number", s[:length])
		}
		return token{number, s[:length], n}, length, nil
	case isLetter(c):
		length = countWhile(s, func(c byte) bool { return isLetter(c) || isDigit(c) || c == '.' || c == '-' })
		return token{kind: word, text: s[:length]}, length, nil
	}
	for _, sym := range symbols {
		if strings.HasPrefix(s, sym) {
			return token{kind: symbol, text: sym}, len(sym), nil
		}
	}
	return t, 0, fmt.Errorf("unexpected %q", s[0])
}

// quoted reads a text in quotes; a backslash escapes the character behind it.
func quoted(s string) (t token, length int, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == s[0]:
			return token{kind: text, text: b.String()}, i + 1, nil
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(s[i])
		}
	}
	return t, 0, fmt.Errorf("the text %s has no end", s)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }

func countWhile(s string, f func(byte) bool) int {
	for i := range len(s) {
		if !f(s[i]) {
			return i
		}
	}
	return len(s)
}
