package symphony_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
	"github.com/the-alchemiser/alchemiser/pkg/symphony"
)

func TestParseReadsEveryKindOfText(t *testing.T) {
	t.Parallel()
	p := parse(t, "\uFEFF; a comment before\n(defsymphony, \"Quoted \\\"name\\\"\\t\" {:asset-class \"EQUITIES\", :rebalance-frequency :monthly}\r\n"+
		"(if (>= (rsi \"SPY\" {:window 10}) -1.5e1) ; why\n [(asset \"BRK/B\" nil)] [(asset \"BIL\" \"T-Bills ü\")]))  ; after\n")
	if got, want := p.Name(), "Quoted \"name\"\t"; got != want {
		t.Errorf("Name = %q, want %q", got, want)
	}
	if p.Frequency() != symphony.FrequencyMonthly {
		t.Errorf("Frequency = %s, want monthly", p.Frequency())
	}
	if diff := cmp.Diff([]string{"BIL", "BRK.B", "SPY"}, p.Symbols()); diff != "" {
		t.Errorf("Symbols (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"BIL": 1, "BRK.B": 1, "SPY": 11}, p.BarsNeeded()); diff != "" {
		t.Errorf("BarsNeeded (-want +got):\n%s", diff)
	}
	if len(p.Digest()) != 64 {
		t.Errorf("Digest = %q, want a SHA-256 in hex", p.Digest())
	}
}

func TestBarsNeededIsTheGreatestOfASymbol(t *testing.T) {
	t.Parallel()
	p := parse(t, program(`(if (> (current-price "SPY") (moving-average-price "SPY" {:window 200}))
		[(if (< (rsi "SPY" {:window 10}) 80) [(asset "SPY" nil)] [(asset "BIL" nil)])] [(asset "BIL" nil)])`))
	if diff := cmp.Diff(map[string]int{"BIL": 1, "SPY": 200}, p.BarsNeeded()); diff != "" {
		t.Errorf("BarsNeeded (-want +got):\n%s", diff)
	}
}

func TestFaultsNamePlaceFoundAndWanted(t *testing.T) {
	t.Parallel()
	const (
		asset      = `(asset "SPY" nil)`
		operators  = "(asset …), (filter …), (group …), (if …), (weight-equal …), (weight-inverse-volatility …), (weight-specified …)"
		indicators = "(cumulative-return …), (current-price …), (exponential-moving-average-price …), (max-drawdown …), (moving-average-price …), " +
			"(moving-average-return …), (rsi …), (stdev-price …), (stdev-return …)"
	)
	for name, tt := range map[string]struct{ src, want string }{
		"empty file":              {"", "1:1: found end of file, want a program (defsymphony …)"},
		"only a comment":          {"; nothing\n", "2:1: found end of file, want a program (defsymphony …)"},
		"another form":            {"(weight-equal [])", `1:1: found (weight-equal …), want (defsymphony "Name" {:asset-class "EQUITIES"} weight)`},
		"text after the form":     {program(asset) + "\n  (x)", "3:3: found (, want end of file after the one program"},
		"closer too many":         {program(asset) + ")", "2:19: found ), want end of file after the one program"},
		"closer missing":          {"(defsymphony \"x\" {:asset-class \"EQUITIES\"} " + asset, "1:61: found end of file, want ) to close the list of line 1, column 1"},
		"mismatched closer":       {program(`(weight-equal [(asset "SPY" nil))`), "2:33: found ), want ] to close the vector of line 2, column 15"},
		"closer alone":            {"]", "1:1: found ], want a program (defsymphony …)"},
		"string without end":      {"(defsymphony \"x", `1:16: found end of file, want " to close the string of line 1, column 14`},
		"unknown escape":          {`(defsymphony "a\q"`, `1:16: found \ and q, want an escape: \" \\ \n \r \t`},
		"column counts letters":   {"(defsymphony \"äöü\" #{})", "1:20: found #, want a list, a string, a number or a name, or )"},
		"not UTF-8":               {"(defsymphony \xff)", "1:14: found bytes that are not UTF-8 (0xff), want a list, a string, a number or a name, or )"},
		"not UTF-8 in a string":   {"(defsymphony \"\xff\")", `1:15: found bytes that are not UTF-8 (0xff), want " to close the string of line 1, column 14`},
		"control character":       {"(defsymphony \x00)", "1:14: found U+0000, want a list, a string, a number or a name, or )"},
		"number with letters":     {program(`(weight-specified 12x ` + asset + `)`), "2:19: found 12x, want a number such as 14 or -0.25"},
		"octal number":            {program(`(weight-specified 012 ` + asset + `)`), "2:19: found 012, want a number such as 14 or -0.25"},
		"number without end":      {program(`(weight-specified 1e999 ` + asset + `)`), "2:19: found 1e999, want a number such as 14 or -0.25"},
		"keyword without a name":  {"(defsymphony \"x\" {: 1})", "1:20: found a space, want the name of a keyword"},
		"map with a string key":   {`(defsymphony "x" {"asset-class" 1})`, `1:19: found string "asset-class", want a keyword as the key of a map`},
		"map with a lone key":     {`(defsymphony "x" {:asset-class})`, "1:19: found keyword :asset-class without a value, want a value for each key"},
		"map with a key twice":    {`(defsymphony "x" {:a 1 :a 2})`, "1:24: found keyword :a a second time, want each key once"},
		"no name":                 {`(defsymphony {} {:asset-class "EQUITIES"} ` + asset + `)`, "1:14: found a map, want the name as a string"},
		"no options":              {`(defsymphony "x" ` + asset + `)`, `1:1: found (defsymphony …) with 2 arguments, want (defsymphony "Name" {:asset-class "EQUITIES"} weight)`},
		"options without class":   {`(defsymphony "x" {} ` + asset + `)`, `1:18: found no :asset-class, want :asset-class "EQUITIES"`},
		"class unknown":           {`(defsymphony "x" {:asset-class "CRYPTO"} ` + asset + `)`, `1:32: found string "CRYPTO", want "EQUITIES", the only class that is supported`},
		"options as a vector":     {`(defsymphony "x" [] ` + asset + `)`, `1:18: found an empty vector, want options {:asset-class "EQUITIES"}`},
		"frequency as a string":   {`(defsymphony "x" {:asset-class "EQUITIES" :rebalance-frequency "daily"} ` + asset + `)`, `1:64: found string "daily", want :daily, :weekly, :monthly, :quarterly, :yearly or :none`},
		"threshold 0":             {`(defsymphony "x" {:asset-class "EQUITIES" :rebalance-threshold 0} ` + asset + `)`, "1:64: found number 0, want a fraction between 0 and 1; 0.05 is 5 percentage points"},
		"keyword at a line's end": {"(defsymphony \"x\" {:\n})", "1:20: found the end of the line, want the name of a keyword"},
		"list without a name":     {program(`((asset "SPY" nil))`), "2:1: found a list without a name, want one of " + operators},
		"empty list":              {program(`()`), "2:1: found a list without a name, want one of " + operators},
		"top form in a vector":    {`[(defsymphony "x" {} (asset "SPY" nil))]`, `1:1: found a vector with 1 item, want (defsymphony "Name" {:asset-class "EQUITIES"} weight)`},
		"two bodies":              {`(defsymphony "x" {:asset-class "EQUITIES"} ` + asset + asset + `)`, `1:1: found (defsymphony …) with 4 arguments, want (defsymphony "Name" {:asset-class "EQUITIES"} weight)`},
		"no body":                 {`(defsymphony "x" {:asset-class "EQUITIES"})`, `1:1: found (defsymphony …) with 2 arguments, want (defsymphony "Name" {:asset-class "EQUITIES"} weight)`},
		"body in a vector":        {program(`[` + asset + `]`), "2:1: found a vector with 1 item, want one of " + operators},
		"too many levels":         {strings.Repeat("[", 501), "1:501: found level 501 of nesting, want at most 500"},
		"option misspelt":         {`(defsymphony "x" {:asset-class "EQUITIES" :rebalance-frequncy :monthly} ` + asset + `)`, "1:43: found keyword :rebalance-frequncy, want one of :asset-class, :rebalance-frequency, :rebalance-threshold"},
		"frequency unknown":       {`(defsymphony "x" {:asset-class "EQUITIES" :rebalance-frequency :hourly} ` + asset + `)`, "1:64: found keyword :hourly, want :daily, :weekly, :monthly, :quarterly, :yearly or :none"},
		"threshold in percent":    {`(defsymphony "x" {:asset-class "EQUITIES" :rebalance-threshold 5} ` + asset + `)`, "1:64: found number 5, want a fraction between 0 and 1; 0.05 is 5 percentage points"},
		"operator not supported":  {program(`(hold [` + asset + `])`), "2:1: found (hold …), want one of " + operators},
		"filter without select":   {program(`(filter (rsi {:window 10}) [` + asset + `])`), "2:1: found (filter …) with 2 arguments, want (filter (indicator {:window W}) (select-top N) [node…])"},
		"filter by a symbol":      {program(`(filter (rsi "SPY" {:window 10}) (select-top 1) [` + asset + `])`), "2:9: found (rsi …) with 2 arguments, want (rsi {:window W})"},
		"filter by no indicator":  {program(`(filter (macd {:window 10}) (select-top 1) [` + asset + `])`), "2:9: found (macd …), want a metric without a symbol such as (rsi {:window 10})"},
		"filter without window":   {program(`(filter (rsi {}) (select-top 1) [` + asset + `])`), "2:14: found no :window, want (rsi {:window W})"},
		"filter by a price of 3":  {program(`(filter (current-price {:window 3}) (select-top 1) [` + asset + `])`), "2:9: found (current-price …) with 1 argument, want (current-price)"},
		"select unknown":          {program(`(filter (rsi {:window 10}) (select-best 1) [` + asset + `])`), "2:28: found (select-best …), want (select-top N) or (select-bottom N) with a whole number above 0"},
		"select none":             {program(`(filter (rsi {:window 10}) (select-top 0) [` + asset + `])`), "2:40: found number 0, want (select-top N) or (select-bottom N) with a whole number above 0"},
		"select a fraction":       {program(`(filter (rsi {:window 10}) (select-top 1.5) [` + asset + `])`), "2:40: found number 1.5, want (select-top N) or (select-bottom N) with a whole number above 0"},
		"select how many":         {program(`(filter (rsi {:window 10}) (select-top) [` + asset + `])`), "2:28: found (select-top …) with 0 arguments, want (select-top N) or (select-bottom N) with a whole number above 0"},
		"filter of nothing":       {program(`(filter (rsi {:window 10}) (select-top 1) [])`), "2:43: found an empty vector, want a vector [node…] with something to choose from"},
		"volatility of no window": {program(`(weight-inverse-volatility [` + asset + `])`), "2:1: found (weight-inverse-volatility …) with 1 argument, want (weight-inverse-volatility WINDOW [node…])"},
		"volatility of 0 days":    {program(`(weight-inverse-volatility 0 [` + asset + `])`), "2:28: found number 0, want a whole number of days from 1 to 10000 for stdev-return"},
		"volatility by map":       {program(`(weight-inverse-volatility {:window 20} [` + asset + `])`), "2:28: found a map, want a whole number of days from 1 to 10000 for stdev-return"},
		"no operator":             {program(`"SPY"`), `2:1: found string "SPY", want one of ` + operators},
		"symbol in lower case":    {program(`(asset "spy" nil)`), `2:8: found string "spy", want a symbol in quotes and upper case such as "SPY" or "BRK.B"`},
		"asset without a name":    {program(`(asset "SPY")`), `2:1: found (asset …) with 1 argument, want (asset "SYM" "Long name")`},
		"asset with a bad name":   {program(`(asset "SPY" 5)`), "2:14: found number 5, want the long name as a string, or nil"},
		"group with two bodies":   {program(`(group "g" [` + asset + asset + `])`), `2:12: found a vector with 2 items, want a vector with the one body of the group: (group "Name" [weight])`},
		"weight-equal of a list":  {program(`(weight-equal ` + asset + `)`), "2:15: found (asset …), want a vector [node…]"},
		"weights odd":             {program(`(weight-specified 0.5 ` + asset + ` 0.5)`), "2:1: found (weight-specified …) with 3 arguments, want (weight-specified FRACTION node FRACTION node …)"},
		"weights none":            {program(`(weight-specified)`), "2:1: found (weight-specified …) with 0 arguments, want (weight-specified FRACTION node FRACTION node …)"},
		"weight negative":         {program(`(weight-specified -1 ` + asset + `)`), "2:19: found number -1, want a weight of 0 or more before each node"},
		"weights all 0":           {program(`(weight-specified 0 ` + asset + `)`), "2:1: found weights that sum to 0, want weights that sum to 1"},
		"if without else":         {program(`(if (> 1 2) [` + asset + `])`), "2:1: found (if …) with 2 arguments, want (if condition [node…] [node…])"},
		"condition unknown":       {program(`(if (!= 1 2) [` + asset + `] [` + asset + `])`), "2:5: found (!= …), want a comparison (> value value) with >, <, >=, <= or ="},
		"comparison of three":     {program(`(if (> 1 2 3) [` + asset + `] [` + asset + `])`), "2:5: found (> …) with 3 arguments, want (> value value)"},
		"indicator unknown":       {program(`(if (> (macd "SPY" {:window 3}) 2) [` + asset + `] [` + asset + `])`), "2:8: found (macd …), want a number or one of " + indicators},
		"window missing":          {program(`(if (> (rsi "SPY" {}) 2) [` + asset + `] [` + asset + `])`), `2:19: found no :window, want (rsi "SYM" {:window W})`},
		"parameters missing":      {program(`(if (> (rsi "SPY") 2) [` + asset + `] [` + asset + `])`), `2:8: found (rsi …) with 1 argument, want (rsi "SYM" {:window W})`},
		"parameter unknown":       {program(`(if (> (rsi "SPY" {:window 3 :days 4}) 2) [` + asset + `] [` + asset + `])`), "2:30: found keyword :days, want only :window"},
		"window with a fraction":  {program(`(if (> (rsi "SPY" {:window 2.5}) 2) [` + asset + `] [` + asset + `])`), "2:28: found number 2.5, want a whole number of days from 1 to 10000 for rsi"},
		"window 0":                {program(`(if (> (rsi "SPY" {:window 0}) 2) [` + asset + `] [` + asset + `])`), "2:28: found number 0, want a whole number of days from 1 to 10000 for rsi"},
		"window negative":         {program(`(if (> (rsi "SPY" {:window -5}) 2) [` + asset + `] [` + asset + `])`), "2:28: found number -5, want a whole number of days from 1 to 10000 for rsi"},
		"window of words":         {program(`(if (> (rsi "SPY" {:window "ten"}) 2) [` + asset + `] [` + asset + `])`), `2:28: found string "ten", want a whole number of days from 1 to 10000 for rsi`},
		"window without a map":    {program(`(if (> (rsi "SPY" 14) 2) [` + asset + `] [` + asset + `])`), `2:19: found number 14, want {:window W} as in (rsi "SYM" {:window W})`},
		"window too small":        {program(`(if (> (stdev-price "SPY" {:window 1}) 2) [` + asset + `] [` + asset + `])`), "2:36: found number 1, want a whole number of days from 2 to 10000 for stdev-price"},
		"window too great":        {program(`(if (> (rsi "SPY" {:window 10001}) 2) [` + asset + `] [` + asset + `])`), "2:28: found number 10001, want a whole number of days from 1 to 10000 for rsi"},
		"comparison of strings":   {program(`(if (> "SPY" 2) [` + asset + `] [` + asset + `])`), `2:8: found string "SPY", want a number or one of ` + indicators},
		"condition of two":        {program(`(if (and (> 1 2) (> 2 3)) [` + asset + `] [` + asset + `])`), "2:5: found (and …), want a comparison (> value value) with >, <, >=, <= or ="},
		"condition no list":       {program(`(if 5 [` + asset + `] [` + asset + `])`), "2:5: found number 5, want a comparison (> value value) with >, <, >=, <= or ="},
		"branch no vector":        {program(`(if (> 1 2) ` + asset + ` [` + asset + `])`), "2:13: found (asset …), want a vector [node…]"},
		"symbol no string":        {program(`(if (> (rsi SPY {:window 14}) 2) [` + asset + `] [` + asset + `])`), `2:16: found word SPY, want a symbol in quotes and upper case such as "SPY" or "BRK.B"`},
		"select in words":         {program(`(filter (rsi {:window 10}) (select-top "one") [` + asset + `])`), `2:40: found string "one", want (select-top N) or (select-bottom N) with a whole number above 0`},
		"select too many":         {program(`(filter (rsi {:window 10}) (select-top 1e30) [` + asset + `])`), "2:40: found number 1000000000000000000000000000000, want (select-top N) or (select-bottom N) with a whole number above 0"},
		"filter of a list":        {program(`(filter (rsi {:window 10}) (select-top 1) ` + asset + `)`), "2:43: found (asset …), want a vector [node…] with something to choose from"},
		"filter swapped": {program(`(filter (select-top 1) (rsi {:window 10}) [` + asset + `])`), "2:9: found (select-top …), want a metric without a symbol such as (rsi {:window 10})\n" +
			"test.clj:2:24: found (rsi …), want (select-top N) or (select-bottom N) with a whole number above 0"},
		"asset with no symbol":    {program(`(asset "" nil)`), `2:8: found string "", want a symbol in quotes and upper case such as "SPY" or "BRK.B"`},
		"asset without quotes":    {program(`(asset SPY nil)`), `2:11: found word SPY, want a symbol in quotes and upper case such as "SPY" or "BRK.B"`},
		"group without a name":    {program(`(group [` + asset + `])`), `2:1: found (group …) with 1 argument, want (group "Name" [weight])`},
		"group with bad name":     {program(`(group nil [` + asset + `])`), "2:11: found nil, want the name as a string"},
		"group of nothing":        {program(`(group "g" [])`), `2:12: found an empty vector, want a vector with the one body of the group: (group "Name" [weight])`},
		"weights after nodes":     {program(`(weight-specified ` + asset + ` 0.5)`), "2:19: found (asset …), want a weight of 0 or more before each node"},
		"weight in words":         {program(`(weight-specified half ` + asset + `)`), "2:23: found word half, want a weight of 0 or more before each node"},
		"volatility of words":     {program(`(weight-inverse-volatility "20" [` + asset + `])`), `2:28: found string "20", want a whole number of days from 1 to 10000 for stdev-return`},
		"weight-equal of two":     {program(`(weight-equal ` + asset + ` ` + asset + `)`), "2:1: found (weight-equal …) with 2 arguments, want (weight-equal [node…])"},
		"misspelt operator":       {program(`(wieght-equal [` + asset + `])`), "2:1: found (wieght-equal …), want one of " + operators},
		"operator in capitals":    {program(`(Asset "SPY" nil)`), "2:1: found (Asset …), want one of " + operators},
		"window beyond all bars":  {program(`(if (> (rsi "SPY" {:window 1e30}) 2) [` + asset + `] [` + asset + `])`), "2:28: found number 1000000000000000000000000000000, want a whole number of days from 1 to 10000 for rsi"},
		"current-price of window": {program(`(if (> (current-price "SPY" {:window 1}) 2) [` + asset + `] [` + asset + `])`), `2:8: found (current-price …) with 2 arguments, want (current-price "SYM")`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := symphony.Parse("test.clj", tt.src)
			if err == nil {
				t.Fatal("Parse accepted it")
			}
			if want := "test.clj:" + tt.want; err.Error() != want {
				t.Errorf("Parse = %v\nwant    %s", err, want)
			}
			var syntax *symphony.SyntaxError
			if !errors.As(err, &syntax) || fault.CodeOf(err) != fault.Invalid {
				t.Errorf("error is %T with code %s, want a SyntaxError with code invalid", err, fault.CodeOf(err))
			}
		})
	}
}

func TestCheckFindsAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := symphony.Parse("test.clj", program("(weight-equal [\n(asset \"a\" nil)\n(nope)\n(if 5 [] [])])"))
	got := strings.Split(err.Error(), "\n")
	if len(got) != 3 || !strings.HasPrefix(got[0], "test.clj:3:8:") || !strings.HasPrefix(got[1], "test.clj:4:1:") || !strings.HasPrefix(got[2], "test.clj:5:5:") {
		t.Errorf("Parse = %v, want one fault on each of lines 3 to 5", err)
	}
	_, err = symphony.Parse("test.clj", program("(weight-equal ["+strings.Repeat("(nope)", 100)+"])"))
	if n := len(strings.Split(err.Error(), "\n")); n != 21 {
		t.Errorf("100 faults make %d lines, want 20 and one that says that there are more", n)
	}
}

func TestNestingIsLimited(t *testing.T) {
	t.Parallel()
	nested := func(vectors int) string {
		return program(strings.Repeat("(weight-equal [", vectors) + `(asset "SPY" nil)` + strings.Repeat("])", vectors))
	}
	parse(t, nested(249)) // 1 + 2·249 + 1 = 500 levels
	_, err := symphony.Parse("test.clj", nested(250))
	if err == nil || !strings.Contains(err.Error(), "found level 501 of nesting, want at most 500") {
		t.Errorf("Parse of 501 levels = %v", err)
	}
}

func TestWarningsTellProbableMistakes(t *testing.T) {
	t.Parallel()
	options := func(options string) string {
		return `(defsymphony "x" {:asset-class "EQUITIES" ` + options + `} (asset "SPY" nil))`
	}
	for name, tt := range map[string]struct {
		src  string
		want []string
	}{
		"none":                 {options(`:rebalance-frequency :none :rebalance-threshold 0.05`), nil},
		"weights in percent":   {program(`(weight-specified 60 (asset "A" nil) 40 (asset "B" nil))`), []string{"2:1: weights sum to 100, not 1; they are scaled"}},
		"weights near enough":  {program(`(weight-specified 0.333 (asset "A" nil) 0.333 (asset "B" nil) 0.333 (asset "C" nil))`), nil},
		"weights not so near":  {program(`(weight-specified 0.3329 (asset "A" nil) 0.333 (asset "B" nil) 0.333 (asset "C" nil))`), []string{"2:1: weights sum to 0.9989, not 1; they are scaled"}},
		"an empty vector":      {program(`(weight-equal [(asset "A" nil) (weight-equal [])])`), []string{"2:46: nothing to hold in an empty vector"}},
		"a threshold too many": {options(`:rebalance-frequency :weekly :rebalance-threshold 0.05`), []string{"1:93: the threshold is ignored: it belongs to :rebalance-frequency :none, not to :weekly"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want []string
			for _, w := range tt.want {
				want = append(want, "test.clj:"+w)
			}
			if diff := cmp.Diff(want, parse(t, tt.src).Warnings()); diff != "" {
				t.Errorf("Warnings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFrequencyAndThreshold(t *testing.T) {
	t.Parallel()
	for options, want := range map[string]string{
		"": "daily 0", ":rebalance-frequency :weekly": "weekly 0", ":rebalance-threshold 0.05": "none 0.05",
		":rebalance-frequency :none :rebalance-threshold 0.1": "none 0.1", ":rebalance-frequency :none": "none 0",
	} {
		p := parse(t, fmt.Sprintf(`(defsymphony "x" {:asset-class "EQUITIES" %s} (asset "SPY" nil))`, options))
		if got := fmt.Sprint(p.Frequency(), " ", p.Threshold()); got != want {
			t.Errorf("%q: %s, want %s", options, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(program(`(weight-equal [(asset "SPY" "x") (group "g" [(weight-specified 0.3 (asset "A" nil) 0.7 (asset "B" nil))])])`))
	f.Add(program(`(if (> (rsi "SPY" {:window 3}) 5e1) [(asset "SPY" nil)] [(asset "BIL" nil)])`))
	f.Add(program(`(filter (rsi {:window 3}) (select-top 2) [(asset "A" nil) (group "g" [(weight-inverse-volatility 4 [(asset "B" nil) (asset "C" nil)])])])`))
	f.Add(program(`(filter (max-drawdown {:window 5}) (select-bottom 1) [(filter (current-price) (select-top 1) [(group "g" [(asset "A" nil)])]) (asset "B" nil)])`))
	f.Add("(defsymphony \"x\\n\" {:a -1.5M, :b +2N} [nil true]) ; c")
	f.Add(strings.Repeat("[", 600))
	f.Fuzz(func(t *testing.T, src string) {
		p, err := symphony.Parse("fuzz.clj", src)
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid || !strings.HasPrefix(err.Error(), "fuzz.clj:") {
				t.Fatalf("Parse(%q) = %v, want an invalid fault with a place", src, err)
			}
			return
		}
		prices := map[string][]symphonyBar{}
		for i, symbol := range p.Symbols() { // the first has forty bars, each further one begins a day later
			prices[symbol] = bars(slices.Repeat([]float64{10, 11, 9, 12 + float64(i)}, 10)...)[i%40:]
		}
		h := history(t, prices)
		got, err := p.Evaluate(h, day(39))
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid {
				t.Fatalf("Evaluate = %v, want an invalid fault", err)
			}
			return
		}
		if !sum(got.Weights).Equal(one) {
			t.Fatalf("weights %s sum to %s, want 1", show(got.Weights), sum(got.Weights))
		}
	})
}
