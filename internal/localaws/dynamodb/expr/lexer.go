package expr

import "strings"

type kind int

const (
	tokenEnd kind = iota
	tokenWord
	tokenName  // #name
	tokenValue // :value
	tokenNumber
	tokenSymbol
	tokenBad
)

type token struct {
	kind       kind
	text       string
	start, end int
}

// symbols are longest first.
var symbols = []string{"<>", "<=", ">=", "=", "<", ">", "(", ")", "[", "]", ",", ".", "+", "-"}

// lex splits text into tokens; the last is tokenEnd. A character that fits nowhere is a tokenBad, which no rule of the
// grammar takes.
func lex(text string) []token {
	tokens := make([]token, 0, len(text)/4+2)
	for at := 0; at < len(text); {
		if strings.IndexByte(" \t\r\n", text[at]) >= 0 {
			at++
			continue
		}
		t := next(text, at)
		tokens = append(tokens, t)
		at = t.end
	}
	return append(tokens, token{kind: tokenEnd, text: "<EOF>", start: len(text), end: len(text)})
}

func next(text string, at int) token {
	make := func(k kind, end int) token { return token{k, text[at:end], at, end} }
	switch c := text[at]; {
	case c == '#' || c == ':':
		end := run(text, at+1)
		if end == at+1 {
			return make(tokenBad, end)
		}
		if c == '#' {
			return make(tokenName, end)
		}
		return make(tokenValue, end)
	case c >= '0' && c <= '9':
		end := at
		for end < len(text) && text[end] >= '0' && text[end] <= '9' {
			end++
		}
		return make(tokenNumber, end)
	case isWord(c):
		return make(tokenWord, run(text, at))
	}
	for _, s := range symbols {
		if strings.HasPrefix(text[at:], s) {
			return make(tokenSymbol, at+len(s))
		}
	}
	return make(tokenBad, at+1)
}

// run returns the end of the word characters that start at from.
func run(text string, from int) int {
	for from < len(text) && isWord(text[from]) {
		from++
	}
	return from
}

func isWord(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
