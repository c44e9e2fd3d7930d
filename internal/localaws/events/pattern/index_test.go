package pattern_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/events/pattern"
)

// An index says of every event what trying every pattern would say, in the same order.
func TestAnIndexFindsWhatMatches(t *testing.T) {
	t.Parallel()
	word := rapid.SampledFrom([]string{"a", "ab", "abc", "b", "", "::1", "0:0:0:0:0:0:0:1", "5"})
	demand := rapid.Custom(func(t *rapid.T) string {
		w := word.Draw(t, "word")
		return rapid.SampledFrom([]string{
			fmt.Sprintf("%q", w), fmt.Sprintf("%q", w), fmt.Sprintf(`{"prefix":%q}`, w), fmt.Sprintf(`{"suffix":%q}`, w), fmt.Sprintf(`{"anything-but":%q}`, w+"x"),
			`{"exists":true}`, `{"exists":false}`, `5`, `null`, `{"numeric":[">",1]}`, fmt.Sprintf(`{"equals-ignore-case":%q}`, w), fmt.Sprintf(`{"wildcard":"%s*"}`, strings.ReplaceAll(w, "*", "")),
		}).Draw(t, "demand")
	})
	fields := rapid.Custom(func(t *rapid.T) string {
		var out []string
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"x", "y", "z"}), 1, 3, rapid.ID).Draw(t, "names") {
			out = append(out, fmt.Sprintf(`%q:[%s]`, name, strings.Join(rapid.SliceOfN(demand, 1, 3).Draw(t, "demands"), ",")))
		}
		return strings.Join(out, ",")
	})
	text := rapid.Custom(func(t *rapid.T) string {
		if rapid.Bool().Draw(t, "or") {
			return fmt.Sprintf(`{"$or":[{%s},{%s}]}`, fields.Draw(t, "one"), fields.Draw(t, "other"))
		}
		return "{" + fields.Draw(t, "fields") + "}"
	})
	value := rapid.Custom(func(t *rapid.T) string {
		return rapid.SampledFrom([]string{
			fmt.Sprintf("%q", word.Draw(t, "word")), fmt.Sprintf("[%q,%q]", word.Draw(t, "one"), word.Draw(t, "two")), "5", "null", "[]", "true",
		}).Draw(t, "value")
	})
	rapid.Check(t, func(t *rapid.T) {
		var patterns []*pattern.Pattern
		var keys []string
		for _, text := range rapid.SliceOfN(text, 0, 12).Draw(t, "patterns") {
			p, err := pattern.Compile(text)
			if err != nil {
				continue // anything-but of an empty prefix and the like
			}
			patterns, keys = append(patterns, p), append(keys, text)
		}
		index := pattern.NewIndex(keys, patterns)
		var members []string
		for _, name := range []string{"w", "x", "y", "z"} {
			if rapid.Bool().Draw(t, "has "+name) {
				members = append(members, fmt.Sprintf("%q:%s", name, value.Draw(t, name)))
			}
		}
		event := "{" + strings.Join(members, ",") + "}"
		e, err := pattern.ParseEvent(event)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for i, p := range patterns {
			if p.Match(e) {
				want = append(want, keys[i])
			}
		}
		if got := index.Match(e); !slices.Equal(got, want) {
			t.Fatalf("of %s the index finds\n%s\nwant\n%s", event, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// BenchmarkMatch is the cost of an event on a bus with one rule that matches and others that cannot: by source and type, as
// ours are, or by a field of the detail.
func BenchmarkMatch(b *testing.B) {
	const event = `{"version":"0","id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718","detail-type":"SignalGenerated","source":"alchemiser.strategy",
		"account":"000000000000","time":"2026-03-02T20:45:00Z","region":"us-east-1","resources":[],"detail":{"portfolio_id":"main","weights":{"SPY":"0.5","TLT":"0.5"}}}`
	for _, rules := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("rules-%d", rules), func(b *testing.B) {
			texts := []string{`{"source":[{"prefix":"alchemiser."}],"detail-type":["SignalGenerated"]}`}
			for i := 1; i < rules; i++ {
				texts = append(texts, []string{
					fmt.Sprintf(`{"source":["alchemiser.strategy"],"detail-type":["Type%d"]}`, i),
					fmt.Sprintf(`{"source":["alchemiser.strategy"],"detail":{"portfolio_id":["other-%d"]}}`, i),
					fmt.Sprintf(`{"source":[{"prefix":"shop-%d."}]}`, i),
				}[i%3])
			}
			patterns := make([]*pattern.Pattern, len(texts))
			for i, text := range texts {
				var err error
				if patterns[i], err = pattern.Compile(text); err != nil {
					b.Fatal(err)
				}
			}
			index := pattern.NewIndex(texts, patterns)
			e, err := pattern.ParseEvent(event)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if len(index.Match(e)) != 1 {
					b.Fatal("not exactly one rule matches")
				}
			}
		})
	}
}
