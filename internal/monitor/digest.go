package monitor

import (
	"fmt"
	"strings"
	"time"
)

// maxSubject is the most that an SNS subject may have. https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const maxSubject = 100

// digest is the message about the end of a workflow.
type digest struct {
	portfolio string
	account   string
	date      string // the trading date, or "" if the workflow did not come so far
	state     State
	summary   string
	workflow  string
	at        time.Time
	// advice says what to do, or is empty.
	advice string
}

// subject says in one line of ASCII what matters.
func (d digest) subject() string {
	words := []string{d.portfolio}
	if d.date != "" {
		words = append(words, d.date)
	}
	return ascii(fmt.Sprintf("Alchemiser %s: %s", strings.Join(words, " "), verdict(d.state)), maxSubject)
}

func verdict(s State) string {
	switch s {
	case StateCompleted:
		return "rebalanced"
	case StateSkipped:
		return "no run"
	case StateNothingToDo:
		return "nothing to do"
	case StateFailed:
		return "FAILED"
	case StateStalled:
		return "STALLED"
	case StateRunning, StateResumed:
		return "running"
	default:
		return string(s)
	}
}

// ascii replaces what SNS refuses in a subject and cuts it to n characters.
func ascii(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), n)]
}

func (d digest) body() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", sentence(d.summary))
	for _, field := range []struct{ name, value string }{
		{"Portfolio", d.portfolio},
		{"Trading date", d.date},
		{"Account", d.account},
		{"Time", d.at.UTC().Format("2006-01-02 15:04:05 UTC")},
		{"Workflow", d.workflow},
	} {
		if field.value != "" {
			fmt.Fprintf(&b, "%-13s %s\n", field.name+":", field.value)
		}
	}
	if d.advice != "" {
		fmt.Fprintf(&b, "\n%s\n", d.advice)
	}
	return b.String()
}

// sentence makes a summary, which begins with an ASCII word, one.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + strings.TrimSuffix(s[1:], ".") + "."
}

// advice says what to do about a workflow that is in state s.
func advice(s State) string {
	switch s {
	case StateFailed:
		return "What has been traded is in the order ledger. The event that could not be handled waits in the dead letter queue of\n" +
			"the function: mend the cause, then redrive it. A replay does not trade."
	case StateStalled:
		return "No function has reported for too long. Look at the function that comes after the last event, and at the positions\n" +
			"at the broker, before anything is started again."
	case StateRunning, StateResumed, StateCompleted, StateSkipped, StateNothingToDo:
		return ""
	default:
		return ""
	}
}
