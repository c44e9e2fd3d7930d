package pattern

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

type token int

const (
	tokenEnd token = iota
	tokenError
	tokenObject
	tokenObjectEnd
	tokenArray
	tokenArrayEnd
	tokenName
	tokenString
	tokenNumber
	tokenTrue
	tokenFalse
	tokenNull
)

// maxDepth is how deeply events and patterns may be nested.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
const maxDepth = 1100

// container is an object or array whose end has not been read.
type container struct {
	array   bool
	at      int // position of its bracket
	entries int
}

// lexer reads JSON token by token and keeps what a map would lose: duplicate names and the spelling of numbers. It
// stands where Jackson's parser would stand after each token, because AWS reports columns from there: after a name it
// has begun the value, and the text of a string is read only when asked for.
type lexer struct {
	src   string
	pos   int
	tok   token
	field string // the name read last
	text  string // of a number or literal; of a string once read
	value token  // after a name: the value that has begun
	open  []container
	// unread says that pos stands right after the opening quote of a string.
	unread bool
	err    *Error
}

// next moves to the next token. Once it returned tokenError it always does.
func (l *lexer) next() token {
	l.tok = l.advance()
	if l.err != nil {
		l.tok = tokenError
	}
	switch l.tok {
	case tokenObject, tokenArray:
		if len(l.open) == maxDepth {
			l.fail(fmt.Sprintf("Depth (%d) exceeds the maximum allowed nesting depth (%d)", maxDepth+1, maxDepth), l.pos)
			l.tok = tokenError
			return l.tok
		}
		l.open = append(l.open, container{array: l.tok == tokenArray, at: l.pos - 1})
	case tokenObjectEnd, tokenArrayEnd:
		l.open = l.open[:len(l.open)-1]
	case tokenEnd, tokenError, tokenName, tokenString, tokenNumber, tokenTrue, tokenFalse, tokenNull:
	}
	return l.tok
}

func (l *lexer) advance() token {
	if l.err != nil {
		return tokenError
	}
	if l.tok == tokenName {
		return l.value
	}
	if l.unread {
		l.string()
	}
	l.skip()
	if len(l.open) == 0 {
		if l.pos == len(l.src) {
			return tokenEnd
		}
		return l.begin()
	}
	c := &l.open[len(l.open)-1]
	if l.pos == len(l.src) {
		return l.fail(fmt.Sprintf("Unexpected end-of-input: expected close marker for %s (start marker at %s)",
			c.kind(), l.location(c.at)), l.pos)
	}
	if b := l.src[l.pos]; b == '}' || b == ']' {
		return l.end(c, b)
	}
	if c.entries > 0 {
		if l.src[l.pos] != ',' {
			return l.unexpected("was expecting comma to separate " + c.kind() + " entries")
		}
		l.pos++
		if !l.more(c) {
			return tokenError
		}
	}
	c.entries++
	if c.array {
		return l.begin()
	}
	return l.name(c)
}

func (l *lexer) end(c *container, b byte) token {
	l.pos++
	want, tok := byte('}'), tokenObjectEnd
	if c.array {
		want, tok = ']', tokenArrayEnd
	}
	if b != want {
		return l.fail(fmt.Sprintf("Unexpected close marker '%c': expected '%c' (for %s starting at %s)",
			b, want, c.kind(), l.location(c.at)), l.pos)
	}
	return tok
}

// more skips blanks; it is false if the input ends there.
func (l *lexer) more(c *container) bool {
	l.skip()
	if l.pos == len(l.src) {
		l.fail("Unexpected end-of-input within/between "+c.kind()+" entries", l.pos)
		return false
	}
	return l.err == nil
}

func (l *lexer) name(c *container) token {
	if l.src[l.pos] != '"' {
		return l.unexpected("was expecting double-quote to start field name")
	}
	l.pos++
	l.unread = true
	name := l.string()
	if l.err != nil || !l.more(c) {
		return tokenError
	}
	if l.src[l.pos] != ':' {
		return l.unexpected("was expecting a colon to separate field name and value")
	}
	l.pos++
	if !l.more(c) {
		return tokenError
	}
	l.value = l.begin()
	l.field = name
	return tokenName
}

// begin reads the start of a value: all of a number or literal, the bracket or quote of anything else.
func (l *lexer) begin() token {
	switch b := l.src[l.pos]; {
	case b == '"':
		l.pos++
		l.unread = true
		return tokenString
	case b == '{':
		l.pos++
		return tokenObject
	case b == '[':
		l.pos++
		return tokenArray
	case b == '-' || b >= '0' && b <= '9':
		return l.number()
	}
	return l.literal()
}

func (l *lexer) literal() token {
	const values = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
	r, _ := utf8.DecodeRuneInString(l.src[l.pos:])
	if !unicode.IsLetter(r) && r != '_' && r != '$' {
		return l.unexpected("expected a valid value " + values)
	}
	end := l.pos
	for end < len(l.src) {
		r, size := utf8.DecodeRuneInString(l.src[end:])
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '$' {
			break
		}
		end += size
	}
	l.text = l.src[l.pos:end]
	l.pos = end
	switch l.text {
	case "true":
		return tokenTrue
	case "false":
		return tokenFalse
	case "null":
		return tokenNull
	}
	return l.fail("Unrecognized token '"+l.text+"': was expecting "+values, l.pos)
}

func (l *lexer) number() token {
	start := l.pos
	if l.src[l.pos] == '-' {
		l.pos++
	}
	whole := l.pos
	if !l.digits() {
		return l.missingDigit("expected digit (0-9) to follow minus sign, for valid numeric value")
	}
	if l.src[whole] == '0' && l.pos-whole > 1 {
		return l.fail("Invalid numeric value: Leading zeroes not allowed", whole+1)
	}
	if l.pos < len(l.src) && l.src[l.pos] == '.' {
		l.pos++
		if !l.digits() {
			return l.missingDigit("Decimal point not followed by a digit")
		}
	}
	if l.pos < len(l.src) && (l.src[l.pos] == 'e' || l.src[l.pos] == 'E') {
		l.pos++
		if l.pos < len(l.src) && (l.src[l.pos] == '+' || l.src[l.pos] == '-') {
			l.pos++
		}
		if !l.digits() {
			return l.missingDigit("Exponent indicator not followed by a digit")
		}
	}
	l.text = l.src[start:l.pos]
	return tokenNumber
}

// digits reads digits; it is false if there is none.
func (l *lexer) digits() bool {
	start := l.pos
	for l.pos < len(l.src) && l.src[l.pos] >= '0' && l.src[l.pos] <= '9' {
		l.pos++
	}
	return l.pos > start
}

func (l *lexer) missingDigit(comment string) token {
	if l.pos == len(l.src) {
		return l.fail("Unexpected end-of-input in a Number value", l.pos)
	}
	return l.unexpected(comment)
}

// string reads the rest of the string that has begun and returns its text; after that it returns the same text.
func (l *lexer) string() string {
	if !l.unread {
		return l.text
	}
	l.unread = false
	start := l.pos
	for l.pos < len(l.src) {
		switch b := l.src[l.pos]; {
		case b == '"':
			l.text = l.src[start:l.pos]
			l.pos++
			return l.text
		case b == '\\':
			return l.escaped(start)
		case b < ' ':
			return l.control(b)
		}
		l.pos++
	}
	return l.unclosed()
}

// escaped goes on from the first backslash of a string.
func (l *lexer) escaped(start int) string {
	var s strings.Builder
	s.WriteString(l.src[start:l.pos])
	for l.pos < len(l.src) {
		b := l.src[l.pos]
		switch {
		case b == '"':
			l.pos++
			l.text = s.String()
			return l.text
		case b < ' ':
			return l.control(b)
		case b != '\\':
			l.pos++
			s.WriteByte(b)
			continue
		}
		l.pos++
		if l.pos == len(l.src) {
			break
		}
		b = l.src[l.pos]
		l.pos++
		if b == 'u' {
			s.WriteRune(l.unicode())
			if l.err != nil {
				return ""
			}
			continue
		}
		i := strings.IndexByte(`"\/bfnrt`, b)
		if i < 0 {
			r, _ := utf8.DecodeRuneInString(l.src[l.pos-1:])
			l.fail("Unrecognized character escape "+describe(r), l.pos)
			return ""
		}
		s.WriteByte("\"\\/\b\f\n\r\t"[i])
	}
	return l.unclosed()
}

// unicode reads four hexadecimal digits, or two times four that form a surrogate pair.
func (l *lexer) unicode() rune {
	r := l.hex()
	if utf16.IsSurrogate(r) && strings.HasPrefix(l.src[l.pos:], `\u`) {
		back := l.pos
		l.pos += 2
		if pair := utf16.DecodeRune(r, l.hex()); pair != unicode.ReplacementChar {
			return pair
		}
		l.pos = back
	}
	return r
}

func (l *lexer) hex() rune {
	if l.pos+4 <= len(l.src) {
		if n, err := strconv.ParseUint(l.src[l.pos:l.pos+4], 16, 16); err == nil {
			l.pos += 4
			return rune(n)
		}
	}
	l.fail("Unexpected character in a character escape: expected a hex-digit for character escape sequence", l.pos)
	return unicode.ReplacementChar
}

func (l *lexer) control(b byte) string {
	l.fail(fmt.Sprintf("Illegal unquoted character ((CTRL-CHAR, code %d)): "+
		"has to be escaped using backslash to be included in string value", b), l.pos+1)
	return ""
}

func (l *lexer) unclosed() string {
	l.fail("Unexpected end-of-input: was expecting closing quote for a string value", l.pos)
	return ""
}

func (l *lexer) skip() {
	for l.pos < len(l.src) {
		switch l.src[l.pos] {
		case ' ', '\t', '\r', '\n':
			l.pos++
		default:
			return
		}
	}
}

func (l *lexer) unexpected(comment string) token {
	r, _ := utf8.DecodeRuneInString(l.src[l.pos:])
	return l.fail("Unexpected character ("+describe(r)+"): "+comment, l.pos)
}

// fail records the first error, with a position that is reported in columns from 1.
func (l *lexer) fail(message string, at int) token {
	if l.err == nil {
		l.err = &Error{Message: message + "\n at " + l.location(at)}
	}
	return tokenError
}

// location describes the position as Jackson does: the input, cut at 500 characters, line and column.
func (l *lexer) location(at int) string {
	line, column := 1, 1
	for i, r := range l.src[:at] {
		switch {
		case r == '\n' && i > 0 && l.src[i-1] == '\r':
			column = 1
		case r == '\n', r == '\r':
			line, column = line+1, 1
		case r > 0xffff:
			column += 2
		default:
			column++
		}
	}
	return fmt.Sprintf("[Source: (String)%s; line: %d, column: %d]", excerpt(l.src), line, column)
}

func excerpt(s string) string {
	const most = 500
	units := utf16.Encode([]rune(s))
	if len(units) <= most {
		return `"` + s + `"`
	}
	return fmt.Sprintf(`"%s"[truncated %d chars]`, string(utf16.Decode(units[:most])), len(units)-most)
}

func describe(r rune) string {
	switch {
	case r < ' ':
		return fmt.Sprintf("(CTRL-CHAR, code %d)", r)
	case r > 255:
		return fmt.Sprintf("'%c' (code %d / 0x%x)", r, r, r)
	}
	return fmt.Sprintf("'%c' (code %d)", r, r)
}

func (c *container) kind() string {
	if c.array {
		return "Array"
	}
	return "Object"
}
