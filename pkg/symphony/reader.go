package symphony

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDepth is how deep lists, vectors and maps may nest. The deepest real program known has 220 levels.
const maxDepth = 500

const byteOrderMark = '\uFEFF'

// reader reads EDN (https://github.com/edn-format/edn), the part of it that programs use: lists, vectors, maps with
// keyword keys, strings, numbers, keywords, symbols, nil and comments; commas are white space. No known EDN library
// gives the column of every form and error, which is why this one exists.
type reader struct {
	file  string
	src   string
	at    int // byte offset of the next character
	pos   Pos // its place
	depth int
	// open are the items of the sequences that are not closed yet. Forms and finished items are cut from blocks: a
	// program of 2 MB has a quarter of a million.
	open  []*form
	forms []form
	items []*form
}

// block is how many forms are allocated at once.
const block = 512

// make allocates f.
func (r *reader) make(f form) *form {
	if len(r.forms) == cap(r.forms) {
		r.forms = make([]form, 0, block)
	}
	r.forms = append(r.forms, f)
	return &r.forms[len(r.forms)-1]
}

// closed takes the items from the mark on out of those that are open.
func (r *reader) closed(mark int) []*form {
	n := len(r.open) - mark
	if n == 0 {
		return nil
	}
	if cap(r.items)-len(r.items) < n {
		r.items = make([]*form, 0, max(block, n))
	}
	start := len(r.items)
	r.items = append(r.items, r.open[mark:]...)
	r.open = r.open[:mark]
	return r.items[start:len(r.items):len(r.items)]
}

// read returns the one form that src holds.
func read(file, src string) (*form, error) {
	r := &reader{file: file, src: strings.TrimPrefix(src, string(byteOrderMark)), pos: Pos{Line: 1, Column: 1}}
	r.space()
	f, err := r.form("a program (defsymphony …)")
	if err != nil {
		return nil, err
	}
	r.space()
	if r.peek() != eof {
		return nil, r.fail(r.pos, r.found(), "end of file after the one program")
	}
	return f, nil
}

// What peek returns where there is no character: at the end, and at a byte that is not UTF-8.
const (
	eof    rune = -1
	broken rune = -2
)

// peek returns the next character without passing it.
func (r *reader) peek() rune {
	c, _ := r.decode()
	return c
}

// next passes a character.
func (r *reader) next() rune {
	c, size := r.decode()
	r.at += size
	if c == '\n' {
		r.pos = Pos{Line: r.pos.Line + 1, Column: 1}
	} else {
		r.pos.Column++
	}
	return c
}

func (r *reader) decode() (c rune, size int) {
	if r.at >= len(r.src) {
		return eof, 0
	}
	if c := r.src[r.at]; c < utf8.RuneSelf {
		return rune(c), 1
	}
	c, size = utf8.DecodeRuneInString(r.src[r.at:])
	if c == utf8.RuneError && size == 1 {
		return broken, size
	}
	return c, size
}

func (r *reader) fail(pos Pos, found, want string) error {
	return &SyntaxError{File: r.file, Pos: pos, Found: found, Want: want}
}

// found describes the next character.
func (r *reader) found() string {
	switch c := r.peek(); {
	case c == eof:
		return "end of file"
	case c == broken:
		return fmt.Sprintf("bytes that are not UTF-8 (0x%02x)", r.src[r.at])
	case c == ' ':
		return "a space"
	case c == '\n' || c == '\r':
		return "the end of the line"
	case unicode.IsPrint(c):
		return string(c)
	default:
		return fmt.Sprintf("%U", c)
	}
}

// space passes white space, commas and comments.
func (r *reader) space() {
	for {
		switch c := r.peek(); {
		case isSpace(c):
			r.next()
		case c == ';':
			for c := r.peek(); c != '\n' && c != eof; c = r.peek() {
				r.next()
			}
		default:
			return
		}
	}
}

func isSpace(c rune) bool {
	return c == ' ' || c == ',' || c == '\t' || c == '\n' || c == '\r' || c == '\f'
}

// form reads the form that begins at the next character; want describes it for the error if there is none.
func (r *reader) form(want string) (*form, error) {
	pos := r.pos
	switch c := r.peek(); {
	case c == '(':
		return r.sequence(kindList, ')')
	case c == '[':
		return r.sequence(kindVector, ']')
	case c == '{':
		return r.mapping()
	case c == '"':
		return r.string()
	case c == ':':
		r.next()
		name := r.name()
		if name == "" {
			return nil, r.fail(r.pos, r.found(), "the name of a keyword")
		}
		return r.make(form{kind: kindKeyword, pos: pos, text: name}), nil
	case isDigit(c):
		return r.number()
	case c == '-' || c == '+':
		if r.at+1 < len(r.src) && isDigit(rune(r.src[r.at+1])) {
			return r.number()
		}
		return r.symbol()
	case isName(c):
		return r.symbol()
	default:
		return nil, r.fail(pos, r.found(), want)
	}
}

func (r *reader) sequence(k kind, closer rune) (*form, error) {
	f := r.make(form{kind: k, pos: r.pos})
	mark := len(r.open)
	r.depth++
	if r.depth > maxDepth {
		return nil, r.fail(f.pos, fmt.Sprintf("level %d of nesting", r.depth), fmt.Sprintf("at most %d", maxDepth))
	}
	want := "a list, a string, a number or a name, or " + string(closer)
	r.next()
	for {
		r.space()
		switch c := r.peek(); {
		case c == closer:
			r.next()
			r.depth--
			f.items = r.closed(mark)
			return f, nil
		case c == eof || c == ')' || c == ']' || c == '}':
			return nil, r.fail(r.pos, r.found(), fmt.Sprintf("%c to close the %s of line %d, column %d", closer, k, f.pos.Line, f.pos.Column))
		}
		item, err := r.form(want)
		if err != nil {
			return nil, err
		}
		r.open = append(r.open, item)
	}
}

func (r *reader) mapping() (*form, error) {
	f, err := r.sequence(kindMap, '}')
	if err != nil {
		return nil, err
	}
	seen := make(map[string]bool, len(f.items)/2)
	for i, item := range f.items {
		if i%2 == 1 {
			continue
		}
		switch {
		case item.kind != kindKeyword:
			return nil, r.fail(item.pos, item.String(), "a keyword as the key of a map")
		case seen[item.text]:
			return nil, r.fail(item.pos, item.String()+" a second time", "each key once")
		case i == len(f.items)-1:
			return nil, r.fail(item.pos, item.String()+" without a value", "a value for each key")
		}
		seen[item.text] = true
	}
	return f, nil
}

func (r *reader) string() (*form, error) {
	f := r.make(form{kind: kindString, pos: r.pos})
	var text strings.Builder
	r.next()
	plain := r.at // where the text begins that stands for itself
	for {
		for r.at < len(r.src) && isPlain(r.src[r.at]) {
			r.at++
			r.pos.Column++
		}
		pos := r.pos
		if c := r.peek(); c == eof || c == broken {
			return nil, r.fail(pos, r.found(), fmt.Sprintf("\" to close the string of line %d, column %d", f.pos.Line, f.pos.Column))
		}
		switch c := r.next(); c {
		case '"':
			f.text = r.src[plain : r.at-1]
			if text.Len() > 0 {
				f.text = text.String() + f.text
			}
			return f, nil
		case '\\':
			text.WriteString(r.src[plain : r.at-1])
			c, ok := escapes(r.peek())
			if !ok {
				return nil, r.fail(pos, `\ and `+r.found(), `an escape: \" \\ \n \r \t`)
			}
			r.next()
			text.WriteRune(c)
			plain = r.at
		}
	}
}

// isPlain says that c stands for itself in a string and is one character.
func isPlain(c byte) bool { return ' ' <= c && c < utf8.RuneSelf && c != '"' && c != '\\' }

func escapes(c rune) (rune, bool) {
	switch c {
	case '"', '\\':
		return c, true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	default:
		return 0, false
	}
}

func (r *reader) symbol() (*form, error) {
	f := r.make(form{kind: kindSymbol, pos: r.pos, text: r.name()})
	if f.text == "nil" {
		f.kind = kindNil
	}
	return f, nil
}

// name passes the characters of a symbol or keyword.
func (r *reader) name() string {
	start := r.at
	for r.at < len(r.src) && isName(rune(r.src[r.at])) { // all of them are one byte long
		r.at++
	}
	r.pos.Column += r.at - start
	return r.src[start:r.at]
}

func isName(c rune) bool {
	return isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c > 0 && strings.ContainsRune(".*+!-_?$%&=<>/", c)
}

func isDigit(c rune) bool { return '0' <= c && c <= '9' }
