package filter_test

import (
	"errors"
	"testing"

	"github.com/the-alchemiser/alchemiser/internal/localaws/logs/filter"
)

func TestPatterns(t *testing.T) {
	t.Parallel()
	const event = `{"level":"error","correlation_id":"run-core-2026","n":5,"f":1.50,"ok":true,"none":null,"a b":"c","list":[{"k":"x"},{"k":"y"}],"deep":{"er":{"v":"z"}},"html":"a<b"}`
	const access = `127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534`
	const line = `2026-03-02 [ERROR] order-17 refused: not enough buying power`
	for _, tt := range []struct {
		pattern, message string
		want             bool
	}{
		{"", line, true},
		{"ERROR", line, true},
		{"error", line, false},
		{"ERROR refused", line, true},
		{"ERROR accepted", line, false},
		{`"buying power"`, line, true},
		{`"power buying"`, line, false},
		{"?accepted ?refused", line, true},
		{"?accepted ?filled", line, false},
		{"ERROR ?accepted", line, true},
		{"ERROR -refused", line, false},
		{`-"order-18"`, line, true},
		{"%order-[0-9]+%", line, true},
		{"%order-[a-z]+%", line, false},
		{`{ $.correlation_id = "run-core-2026" && $.level = "error" }`, event, true},
		{`{ $.correlation_id = "run-core-2026" && $.level = "info" }`, event, false},
		{`{ $.level = "info" || $.level = "error" && $.n = 5 }`, event, true},
		{`{ ($.level = "info" || $.level = "error") && $.n = 6 }`, event, false},
		{`{ $.level = error }`, event, true},
		{`{ $.correlation_id = "run-*-2026" }`, event, true},
		{`{ $.correlation_id = run-* }`, event, true},
		{`{ $.correlation_id != "run-*" }`, event, false},
		{`{ $.nope != "x" }`, event, false},
		{`{ $.n > 4 && $.n <= 5 && $.f = 1.5 && $.n != 4 }`, event, true},
		{`{ $.n >= 6 }`, event, false},
		{`{ $.ok IS TRUE && $.none IS NULL }`, event, true},
		{`{ $.ok is false }`, event, false},
		{`{ $.nope NOT EXISTS }`, event, true},
		{`{ $.none NOT EXISTS }`, event, false},
		{`{ $['a b'] = "c" && $.list[1].k = "y" && $.deep.er.v = "z" }`, event, true},
		{`{ $.list[*].k = "x" }`, event, true},
		{`{ $.list[7].k = "x" }`, event, false},
		{`{ $.correlation_id = %^run-.*6$% }`, event, true},
		{`{ $.html = "a<b" }`, event, true},
		{`{ $.level = "error" }`, line, false},
		{`[ip, id, user, time, request, status, size]`, access, true},
		{`[ip, user]`, access, false},
		{`[..., status = 4*, size > 1000]`, access, true},
		{`[..., status = 200, size]`, access, false},
		{`[ip = %^127\.0%, ..., status = 403 || status = 404, size != 7]`, access, true},
		{`[ip, , user = "frank", ...]`, access, true},
		{`[ip, id, user, time, request = "GET *html*", ...]`, access, true},
		{`[..., size > 1000 && size < 1500]`, access, false},
	} {
		p, err := filter.Parse(tt.pattern)
		if err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
			continue
		}
		if got := p.Match(tt.message); got != tt.want {
			t.Errorf("%s matches %s: %v, want %v", tt.pattern, tt.message, got, tt.want)
		}
	}
}

func TestPatternsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`"open`, "order-17", "?", "[a, b", "[]", "[a < x]", "[..., a, ...]", "[a-b]", "[a = %(%]", "{", "{ }", "{ $.a }", "{ $.a = }", "{ $.a = 1", `{ $.a > "x" }`, "{ $.a = 1 } x",
		"{ $.[0] = 1 }", "{ $.a[x] = 1 }", "{ $.a IS MAYBE }", "{ a = 1 }", "%(%", `{ $.a = "x }`,
	} {
		if _, err := filter.Parse(text); !errors.Is(err, filter.ErrInvalid) {
			t.Errorf("%q: %v, want a refusal", text, err)
		}
	}
}

// FuzzPattern checks that no pattern and no message makes the package panic.
func FuzzPattern(f *testing.F) {
	f.Add(`{ $.a[0]['b'] = "x*" && ($.n >= 1e3 || $.c IS NULL) }`, `{"a":[{"b":"xy"}],"n":1000}`)
	f.Add(`ERROR ?a -b "c d" %e+%`, "ERROR a c d ee")
	f.Add(`[a = "x*" && a != %y%, ..., b > 1]`, `xa [b c] "d" 2`)
	f.Fuzz(func(_ *testing.T, pattern, message string) {
		if p, err := filter.Parse(pattern); err == nil {
			p.Match(message)
		}
	})
}
