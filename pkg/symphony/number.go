package symphony

import (
	"regexp"

	"github.com/shopspring/decimal"
)

// numberForm is what EDN writes numbers like, exact or not (N and M). The bounded exponent keeps a short text from
// becoming a huge number.
var numberForm = regexp.MustCompile(`^([+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?)[MN]?$`)

// maxNumber bounds the length of a number.
const maxNumber = 64

// number reads a number as an exact decimal.
func (r *reader) number() (*form, error) {
	f := r.make(form{kind: kindNumber, pos: r.pos})
	text := r.name()
	match := numberForm.FindStringSubmatch(text)
	if match == nil || len(text) > maxNumber {
		if len(text) > maxNumber {
			text = text[:maxNumber] + "…"
		}
		return nil, r.fail(f.pos, text, "a number such as 14 or -0.25")
	}
	var err error
	if f.number, err = decimal.NewFromString(match[1]); err != nil {
		return nil, r.fail(f.pos, text, "a number such as 14 or -0.25")
	}
	return f, nil
}
