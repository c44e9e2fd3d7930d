package pattern

import (
	"slices"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// letters is a text to be compared without regard to case: the spellings of each of its characters. Only the two
// forms of the pattern's own character count, as in event-ruler; that is not Unicode case folding.
type letters [][]string

func fold(s string) letters {
	out := make(letters, 0, len(s))
	for _, r := range s {
		c := string(r)
		lower, upper := cases.Lower(language.Und).String(c), cases.Upper(language.Und).String(c)
		if lower == upper {
			out = append(out, []string{lower})
			continue
		}
		out = append(out, []string{lower, upper})
	}
	return out
}

// ends returns the lengths of the beginnings of s that l spells.
func (l letters) ends(s string) []int {
	at := []int{0}
	for _, spellings := range l {
		var next []int
		for _, from := range at {
			for _, spelling := range spellings {
				if to := from + len(spelling); strings.HasPrefix(s[from:], spelling) && !slices.Contains(next, to) {
					next = append(next, to)
				}
			}
		}
		if at = next; len(at) == 0 {
			return nil
		}
	}
	return at
}

type folded letters

func (m folded) match(v value) bool {
	return v.kind == tokenString && slices.Contains(letters(m).ends(v.text), len(v.text))
}

type foldedPrefix letters

func (m foldedPrefix) match(v value) bool {
	return v.kind == tokenString && len(letters(m).ends(v.text)) > 0
}

type foldedSuffix letters

func (m foldedSuffix) match(v value) bool {
	if v.kind != tokenString {
		return false
	}
	for from := len(v.text); from >= 0; from-- {
		if slices.Contains(letters(m).ends(v.text[from:]), len(v.text)-from) {
			return true
		}
	}
	return false
}
