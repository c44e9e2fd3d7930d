// Package recorded reads requests with the answers that AWS gave to them, and compares those with an endpoint's. The cases lie
// beside the project: see the README there.
package recorded

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Suite is a file of cases: single requests, and flows whose later requests refer to earlier answers.
type Suite struct {
	Single []Step
	Flows  []Flow
}

// Flow is a sequence of requests and checks.
type Flow struct {
	Name  string
	Steps []Step
	// Truncated says where the recording ends too early; empty if it does not.
	Truncated string
}

// Step is a request with what AWS answered or, with Check, a comparison of answers.
type Step struct {
	ID, Name        string
	Service, Action string
	Body            json.RawMessage
	Status          int                             `json:"expect_status"`
	Response        any                             `json:"expect_response"`
	Error           *struct{ Code, Message string } `json:"expect_error"`
	Check           string
	Value           json.RawMessage
	Expect          any
}

// Load reads a file of cases, a single request as a flow of one step. root is the way from the test to the project's root. It
// skips the test, with a word, where the cases are not there.
func Load(t *testing.T, root, file string) []Flow {
	t.Helper()
	dir := os.Getenv("SHARED_DIR")
	if dir == "" {
		dir = filepath.Join(root, "..", "shared")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "conformance", file))
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("SKIPPED: recorded cases %s are not there; set SHARED_DIR to run them", file)
	}
	if err != nil {
		t.Fatal(err)
	}
	raw = bytes.ReplaceAll(raw, []byte("111111111111"), []byte("000000000000"))   // the recorder's account
	raw = regexp.MustCompile(`<MagicMock [^>]*>`).ReplaceAll(raw, []byte("mock")) // a value that it did not have
	var all Suite
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	for _, s := range all.Single {
		s.ID = "s1"
		all.Flows = append(all.Flows, Flow{Name: s.Name + " " + s.Action, Steps: []Step{s}})
	}
	return all.Flows
}

// Substitute decodes raw with its references to the results of earlier steps, by their ids, resolved. Times are relative to
// start.
func Substitute(t *testing.T, raw json.RawMessage, results map[string]any, start time.Time) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	reference := regexp.MustCompile(`\$\{([^}]*)\}`)
	var walk func(v any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for k := range v {
				v[k] = walk(v[k])
			}
		case []any:
			for i := range v {
				v[i] = walk(v[i])
			}
		case string:
			if m := reference.FindStringSubmatch(v); m != nil && m[0] == v {
				return resolve(m[1], results, start)
			}
			return reference.ReplaceAllStringFunc(v, func(s string) string {
				return fmt.Sprint(resolve(s[2:len(s)-1], results, start))
			})
		}
		return v
	}
	return walk(v)
}

func resolve(ref string, results map[string]any, start time.Time) any {
	if text, ok := strings.CutPrefix(ref, "repeat:"); ok {
		n, _ := strconv.Atoi(text[2:])
		return strings.Repeat(text[:1], n)
	}
	if text, ok := strings.CutPrefix(ref, "now"); ok {
		d, _ := time.ParseDuration(text)
		return float64(start.Add(d).UnixMilli()) / 1000
	}
	ref, below, asJSON := strings.Cut(ref, "|json") // what follows is a path into the document
	id, path, _ := strings.Cut(ref, ":")
	v := follow(results[id], path)
	if text, ok := v.(string); ok && asJSON {
		_ = json.Unmarshal([]byte(text), &v)
		v = follow(v, below)
	}
	return v
}

// follow returns the value at a path of names and indexes; nil if there is none.
func follow(v any, path string) any {
	for _, name := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		switch at := v.(type) {
		case map[string]any:
			v = at[name]
		case []any:
			if i, err := strconv.Atoi(name); err == nil && i < len(at) {
				v = at[i]
			} else {
				v = nil
			}
		}
	}
	return v
}

// Compare says where got lacks what want has. A token in want stands for any text. at names the place.
func Compare(want, got any, at string) error {
	if text, ok := got.(string); ok {
		if _, isText := want.(string); !isText {
			if err := json.Unmarshal([]byte(text), &got); err != nil {
				return fmt.Errorf("%s = %q, want JSON", at, text)
			}
		}
	}
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%s = %v, want an object", at, got)
		}
		var errs []error
		for k := range want {
			v, there := object[k]
			if !there {
				errs = append(errs, fmt.Errorf("%s has no %s", at, k))
				continue
			}
			errs = append(errs, Compare(want[k], v, at+"."+k))
		}
		return errors.Join(errs...)
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) < len(want) && len(list) != 1 || len(list) > len(want) {
			return fmt.Errorf("%s = %v, want %d elements", at, got, len(want))
		}
		var errs []error
		for i := range list {
			errs = append(errs, Compare(want[i], list[i], at+"["+strconv.Itoa(i)+"]"))
		}
		return errors.Join(errs...)
	case string:
		return compareText(want, got, at)
	}
	if fmt.Sprint(want) != fmt.Sprint(got) {
		return fmt.Errorf("%s = %v, want %v", at, got, want)
	}
	return nil
}

func compareText(want string, got any, at string) error {
	tokens := []string{
		"datetime", "timestamp", "event-id", "receipt-handle", "m-d5-of-body", "replay-name", "detail",
		"target-arn", "target-id", "target-id-one", "target-id-two",
	}
	if slices.Contains(tokens, want) || strings.HasPrefix(want, "<") && strings.HasSuffix(want, ">") && got != nil {
		return nil
	}
	pattern := regexp.MustCompile(`<[^<>]*(<[^<>]*>[^<>]*)?>|second-invalid-target-id|\bdate\b`).Split(want, -1)
	for i := range pattern {
		pattern[i] = regexp.QuoteMeta(pattern[i])
	}
	if !regexp.MustCompile("(?s)^" + strings.Join(pattern, ".+") + "$").MatchString(fmt.Sprint(got)) {
		return fmt.Errorf("%s = %v, want %s", at, got, want)
	}
	return nil
}
