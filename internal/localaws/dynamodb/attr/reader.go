package attr

import (
	"encoding/json"
	"fmt"
)

// reader walks through JSON that is known to be valid: encoding/json has looked before it calls an UnmarshalJSON. It
// takes a fifth of the time and the memory that encoding/json would take by way of maps of raw messages.
type reader struct {
	raw []byte
	at  int
}

// peek returns the byte that the next token begins with.
func (r *reader) peek() byte {
	for ; r.at < len(r.raw); r.at++ {
		switch c := r.raw[r.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// text reads a string.
func (r *reader) text() (string, error) {
	if r.peek() != '"' {
		return "", fmt.Errorf("an attribute value has %.20q where a string is due", r.raw[r.at:])
	}
	start, plain := r.at+1, true
	for r.at++; r.raw[r.at] != '"'; r.at++ {
		if c := r.raw[r.at]; c == '\\' {
			r.at++
			plain = false
		} else if c >= 0x80 {
			plain = false
		}
	}
	r.at++
	if plain {
		return string(r.raw[start : r.at-1]), nil
	}
	var s string
	err := json.Unmarshal(r.raw[start-1:r.at], &s)
	return s, err
}

// flag reads true or false.
func (r *reader) flag() (bool, error) {
	switch r.peek() {
	case 't':
		r.at += len("true")
		return true, nil
	case 'f':
		r.at += len("false")
		return false, nil
	}
	return false, fmt.Errorf("an attribute value has %.20q where true or false is due", r.raw[r.at:])
}

// null takes a null if it is next.
func (r *reader) null() bool {
	if r.peek() != 'n' {
		return false
	}
	r.at += len("null")
	return true
}

// object reads an object: f reads the value of each member.
func (r *reader) object(f func(name string) error) error {
	return r.all('{', func() error {
		name, err := r.text()
		if err != nil {
			return err
		}
		r.peek()
		r.at++ // the colon
		return f(name)
	})
}

// array reads an array: f reads each element.
func (r *reader) array(f func() error) error { return r.all('[', f) }

func (r *reader) all(opening byte, f func() error) error {
	if r.peek() != opening {
		return fmt.Errorf("an attribute value has %.20q where %q is due", r.raw[r.at:], opening)
	}
	r.at++
	for {
		switch r.peek() {
		case ',':
			r.at++
		case '}', ']':
			r.at++
			return nil
		default:
			if err := f(); err != nil {
				return err
			}
		}
	}
}
