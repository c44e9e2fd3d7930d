package faults_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/faults"
)

func TestBadPlansAreRefusedByRuleAndField(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, plan, want string }{
		{"no JSON", `rules`, "fault plan: invalid character"},
		{"unknown field", `{"rules":[{"fault":"lose","chance":1}]}`, `unknown field "chance"`},
		{"text after it", `{"rules":[]} {}`, "want nothing after the object"},
		{"no kind", `{"rules":[{"fault":"lose"},{}]}`, `rules[1]: fault "": want throttle, fail, lose`},
		{"unknown kind", `{"rules":[{"fault":"explode"}]}`, `fault "explode": want throttle`},
		{"duration", `{"rules":[{"fault":"delay","after":"soon"}]}`, "duration"},
		{"negative", `{"rules":[{"fault":"kill","after":"-1s"}]}`, "want none below 0"},
		{"delay without one", `{"rules":[{"fault":"delay"}]}`, `after: want how long`},
		{"random without an end", `{"rules":[{"fault":"kill","random":true}]}`, "random: want after as well"},
		{"delay of a request", `{"rules":[{"fault":"lose","after":"1s"}]}`, "a lose has no delay"},
		{"kill with two moments", `{"rules":[{"fault":"kill","service":"sqs","after":"1s"}]}`, "the request is the moment"},
		{"done without a request", `{"rules":[{"fault":"kill","done":true}]}`, "done: only with service or operation"},
		{"done without kill", `{"rules":[{"fault":"lose","done":true}]}`, "done: only with kill"},
		{"delivery by request", `{"rules":[{"fault":"duplicate","operation":"PutEvents"}]}`, "only requests have them"},
		{"entry by function", `{"rules":[{"fault":"refuse","function":"f"}]}`, "by detail_type only"},
		{"event of a request", `{"rules":[{"fault":"fail","detail_type":"X"}]}`, "detail_type: only with refuse"},
		{"probability", `{"rules":[{"fault":"fail","probability":1.5}]}`, "probability 1.5"},
		{"pattern", `{"rules":[{"fault":"fail","function":"["}]}`, `"[": syntax error in pattern`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := faults.Parse([]byte(c.plan)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func injector(t *testing.T, plan string) *faults.Injector {
	t.Helper()
	p, err := faults.Parse([]byte(plan))
	if err != nil {
		t.Fatal(err)
	}
	var i faults.Injector
	i.Set(p)
	return &i
}

func TestMatchersDecideWhatIsStruck(t *testing.T) {
	t.Parallel()
	i := injector(t, `{"rules":[
		{"fault":"kill","service":"dynamodb","operation":"Update*","function":"*-execution-*","done":true},
		{"fault":"throttle","service":"sqs"},
		{"fault":"refuse","detail_type":"TradeExecuted"},
		{"fault":"duplicate","function":"f"},
		{"fault":"timeout","function":"f","after":"30ms"}]}`)
	for _, c := range []struct {
		request faults.Request
		want    faults.Fault
	}{
		{faults.Request{Service: "dynamodb", Operation: "UpdateItem", Function: "alchemiser-execution-dev"}, faults.Fault{Kind: faults.Kill, Done: true}},
		{faults.Request{Service: "dynamodb", Operation: "UpdateItem"}, faults.Fault{}}, // the operator's: there is nothing to kill
		{faults.Request{Service: "dynamodb", Operation: "GetItem", Function: "alchemiser-execution-dev"}, faults.Fault{}},
		{faults.Request{Service: "sqs", Operation: "SendMessage"}, faults.Fault{Kind: faults.Throttle}},
		{faults.Request{Service: "events", Operation: "PutEvents", Function: "f"}, faults.Fault{}},
	} {
		if got, ok := i.Request(c.request); got != c.want || ok != (c.want != faults.Fault{}) {
			t.Errorf("%+v: %+v, want %+v", c.request, got, c.want)
		}
	}
	if !i.Entry("TradeExecuted") || i.Entry("RebalancePlanned") {
		t.Error("the wrong entry is refused")
	}
	if got, _ := i.Delivery("f"); got.Kind != faults.Duplicate {
		t.Errorf("delivery to f: %+v", got)
	}
	if got, ok := i.Delivery(""); ok {
		t.Errorf("delivery to a queue: %+v", got)
	}
	if got, _ := i.Invocation("f"); got.Kind != faults.Timeout || got.Delay != 30*time.Millisecond {
		t.Errorf("invocation of f: %+v", got)
	}
}

func TestSkipAndTimesBoundTheFaults(t *testing.T) {
	t.Parallel()
	i := injector(t, `{"rules":[{"fault":"fail","skip":2,"times":2}]}`)
	var got []bool
	for range 6 {
		_, struck := i.Request(faults.Request{Service: "sns"})
		got = append(got, struck)
	}
	if !slices.Equal(got, []bool{false, false, true, true, false, false}) {
		t.Errorf("struck %v", got)
	}
	if c := i.Counts(); c[0].Matched != 6 || c[0].Injected != 2 {
		t.Errorf("counts %+v", c)
	}
}

func TestSameSeedStrikesTheSameMatches(t *testing.T) {
	t.Parallel()
	draws := func(seed string, others int) (out []faults.Fault) {
		i := injector(t, `{"seed":`+seed+`,"rules":[{"fault":"lose","service":"sqs","probability":0.5},{"fault":"kill","probability":0.3,"after":"1s","random":true}]}`)
		for range 200 {
			for range others { // what other rules draw makes no difference
				i.Request(faults.Request{Service: "sqs"})
			}
			f, _ := i.Invocation("f")
			out = append(out, f)
		}
		return out
	}
	if !slices.Equal(draws("7", 0), draws("7", 3)) {
		t.Error("the same seed strikes differently")
	}
	if slices.Equal(draws("7", 0), draws("8", 0)) {
		t.Error("another seed strikes in the same way")
	}
	struck := 0
	for _, f := range draws("7", 0) {
		if f.Kind == faults.Kill {
			struck++
			if f.Delay < 0 || f.Delay >= time.Second {
				t.Errorf("delay %s", f.Delay)
			}
		}
	}
	if struck < 30 || struck > 90 {
		t.Errorf("%d of 200 struck at probability 0.3", struck)
	}
}

func TestNilInjectsNothing(t *testing.T) {
	t.Parallel()
	var none *faults.Injector
	if _, ok := none.Invocation("f"); ok || none.Entry("x") {
		t.Error("a fault of no injector")
	}
}

func FuzzPlan(f *testing.F) {
	f.Add([]byte(`{"seed":1,"rules":[{"fault":"kill","service":"dynamodb","function":"*","probability":0.5,"done":true}]}`))
	f.Add([]byte(`{"rules":[{"fault":"delay","after":"1s","random":true,"skip":1,"times":3}]}`))
	f.Fuzz(func(_ *testing.T, text []byte) {
		plan, err := faults.Parse(text)
		if err != nil {
			return
		}
		var i faults.Injector
		i.Set(plan)
		i.Request(faults.Request{Service: "dynamodb", Operation: "GetItem", Function: "f"})
		i.Entry("x")
		i.Delivery("f")
		i.Invocation("f")
	})
}
