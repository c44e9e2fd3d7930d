package pattern

import (
	"net/netip"
	"strconv"
	"strings"
)

// matcher judges one value of an event.
type matcher interface{ match(v value) bool }

type equalString string

func (m equalString) match(v value) bool { return v.kind == tokenString && v.text == string(m) }

type equalNumber number

func (m equalNumber) match(v value) bool {
	return v.kind == tokenNumber && (v.text == m.text || m.exact && v.number.exact && v.number.value == m.value)
}

// literal is true, false or null.
type literal token

func (m literal) match(v value) bool { return v.kind == token(m) }

type prefix string

func (m prefix) match(v value) bool {
	return v.kind == tokenString && strings.HasPrefix(v.text, string(m))
}

type suffix string

func (m suffix) match(v value) bool {
	return v.kind == tokenString && strings.HasSuffix(v.text, string(m))
}

// presence is {"exists": true}.
type presence struct{}

func (presence) match(value) bool { return true }

// absence is {"exists": false}: no value matches it; the compiler turns it into a property of the field.
type absence struct{}

func (absence) match(value) bool { return false }

type limit struct {
	value float64
	open  bool
}

// numberRange matches numbers between its limits; nil is no limit.
type numberRange struct{ bottom, top *limit }

// span returns the range that one operator describes.
func span(op string, n number) numberRange {
	switch op {
	case "<", "<=":
		return numberRange{top: &limit{n.value, op == "<"}}
	case ">", ">=":
		return numberRange{bottom: &limit{n.value, op == ">"}}
	default:
		return numberRange{bottom: &limit{value: n.value}, top: &limit{value: n.value}}
	}
}

func (m numberRange) match(v value) bool {
	if v.kind != tokenNumber || !v.number.exact {
		return false
	}
	n := v.number.value
	if b := m.bottom; b != nil && (n < b.value || b.open && n == b.value) {
		return false
	}
	if t := m.top; t != nil && (n > t.value || t.open && n == t.value) {
		return false
	}
	return true
}

// exactly matches a string; one that is an address matches every spelling of that address.
func exactly(s string) matcher {
	if addr, ok := parseAddr(s); ok {
		return addrRange{addr, addr}
	}
	return equalString(s)
}

// addrRange matches strings that are addresses from bottom to top.
type addrRange struct{ bottom, top netip.Addr }

func (m addrRange) match(v value) bool {
	if v.kind != tokenString {
		return false
	}
	addr, ok := parseAddr(v.text)
	return ok && addr.BitLen() == m.bottom.BitLen() && m.bottom.Compare(addr) <= 0 && addr.Compare(m.top) <= 0
}

// parseAddr reads the literals that event-ruler takes for addresses: dotted decimals, and hexadecimals with colons.
func parseAddr(s string) (netip.Addr, bool) {
	if s == "" || strings.Trim(s, "0123456789.") != "" && strings.Trim(s, "0123456789abcdefABCDEF:") != "" {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(s)
	return addr.Unmap(), err == nil
}

// block returns the addresses that share their first bits with addr.
func block(addr netip.Addr, bits int) addrRange {
	bottom := netip.PrefixFrom(addr, bits).Masked().Addr()
	top := bottom.AsSlice()
	for i := bits; i < addr.BitLen(); i++ {
		top[i/8] |= 0x80 >> (i % 8)
	}
	last, _ := netip.AddrFromSlice(top) // has the length of an address
	return addrRange{bottom, last}
}

// parseCIDR reads a block; its base need not be aligned.
func parseCIDR(s string) (matcher, error) {
	base, mask, ok := strings.Cut(s, "/")
	if !ok || strings.Contains(mask, "/") {
		return nil, &Error{Message: "Malformed CIDR, one '/' required"}
	}
	bits, err := strconv.ParseInt(mask, 10, 32)
	if err != nil {
		return nil, &Error{Message: "Malformed CIDR, mask bits must be an integer"}
	}
	if bits < 0 {
		return nil, &Error{Message: "Malformed CIDR, mask bits must not be negative"}
	}
	addr, ok := parseAddr(base)
	if !ok {
		return nil, &Error{Message: "Nonstandard IP address: " + base}
	}
	if addr.Is4() && bits > 31 {
		return nil, &Error{Message: "IPv4 mask bits must be < 32"}
	}
	if bits > 127 {
		return nil, &Error{Message: "IPv6 mask bits must be < 128"}
	}
	return block(addr, int(bits)), nil
}
