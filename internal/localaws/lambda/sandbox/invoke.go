package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// MaxResponse is the largest response that a function may give, in bytes (6 MB and some room for its envelope).
const MaxResponse = 6_291_556

// Invocation is one call of a function.
type Invocation struct {
	RequestID   string
	FunctionARN string
	// TraceHeader is the value of Lambda-Runtime-Trace-Id.
	TraceHeader string
	Payload     []byte
	// Timeout is how long the function may take. Its deadline is by the host's clock, which the process sees too.
	Timeout time.Duration
	// CutAfter, if not 0, ends the invocation that long after its begin as if Timeout had passed.
	CutAfter time.Duration
}

// Status is how an invocation ended.
type Status string

// The ends of an invocation, as in a REPORT line.
const (
	Success Status = "success"
	Failure Status = "error"
	Timeout Status = "timeout"
)

// Outcome is what came of an invocation.
type Outcome struct {
	Status Status
	// Payload is the response or the error document.
	Payload []byte
	// ErrorType is the function's own, Runtime.ExitError or Sandbox.Timedout.
	ErrorType string
	// Cause is the X-Ray cause that the function reported, or empty.
	Cause []byte
	// Exit says how the process ended, in Lambda's words, if it did.
	Exit string
	// Answered is when the function gave its answer, or ended; Duration when it was ready for the next invocation.
	Answered, Duration time.Duration
	// MaxMemory is the peak memory of the process in bytes, 0 where the system does not say. That of a process which
	// crashed is the last one known.
	MaxMemory int64
	// Gone is true if the process has ended: the environment is closed.
	Gone bool
}

// Invoke carries out one invocation in a ready environment and freezes it again. All that the function printed has been
// handed to Output when it returns. If ctx ends the process is killed.
func (e *Environment) Invoke(ctx context.Context, in Invocation) Outcome {
	start := time.Now()
	limit := in.Timeout
	if in.CutAfter > 0 {
		limit = min(limit, in.CutAfter)
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()

	var out Outcome
	e.thaw()
	delivery := delivery{Invocation: in, deadline: start.Add(in.Timeout)}
	select {
	case e.api.next <- delivery:
		out = e.await(ctx, in, timer.C, start)
	case <-e.exited:
		out = e.died(in)
	case <-timer.C:
		out = e.timedOut(in)
	case <-ctx.Done():
		out = e.killed(in)
	}
	out.Duration = time.Since(start)
	if out.Answered == 0 {
		out.Answered = out.Duration
	}
	return out
}

// await follows the invocation until the function has answered and polls for the next one.
func (e *Environment) await(ctx context.Context, in Invocation, deadline <-chan time.Time, start time.Time) Outcome {
	var answer *Outcome
	defer e.guard()()
	for {
		select {
		case ev := <-e.api.events:
			switch ev.kind {
			case responded:
				answer = &Outcome{Status: Success, Payload: ev.body, Answered: time.Since(start)}
			case failed:
				answer = &Outcome{
					Status: Failure, Payload: ev.body, ErrorType: ev.errorType, Cause: ev.cause, Answered: time.Since(start),
				}
			case polled:
				if answer == nil { // a runtime that forgets to answer: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html
					answer = &Outcome{Status: Success, Payload: []byte("null")}
				}
				e.freeze()
				e.measure()
				if e.exceeded() {
					return e.killed(in)
				}
				answer.MaxMemory = e.memory
				e.output.drain()
				return *answer
			case initFailed:
			}
		case <-e.exited:
			out := e.died(in)
			if answer != nil && !e.exceeded() { // it answered, then ended: the answer stands (a panic reports itself so)
				answer.Exit, answer.Gone, answer.MaxMemory = out.Exit, true, out.MaxMemory
				return *answer
			}
			return out
		case <-deadline:
			return e.timedOut(in)
		case <-ctx.Done():
			return e.killed(in)
		}
	}
}

func (e *Environment) died(in Invocation) Outcome {
	reason := e.exitReason()
	return Outcome{
		Status: Failure, ErrorType: "Runtime.ExitError", Exit: reason, Gone: true, MaxMemory: e.peak(),
		Payload: ErrorDocument("Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: %s", in.RequestID, reason)),
	}
}

func (e *Environment) timedOut(in Invocation) Outcome {
	e.measure()
	e.Close()
	return Outcome{
		Status: Timeout, ErrorType: "Sandbox.Timedout", Gone: true, MaxMemory: e.memory,
		Payload: ErrorDocument("Sandbox.Timedout",
			fmt.Sprintf("RequestId: %s Error: %s", in.RequestID, TimeoutMessage(in.Timeout))),
	}
}

// killed ends an invocation because the endpoint ends, or because of the memory it took.
func (e *Environment) killed(in Invocation) Outcome {
	e.Close()
	return e.died(in)
}

// TimeoutMessage is what Lambda says of an invocation that ran out of its time.
func TimeoutMessage(d time.Duration) string {
	return fmt.Sprintf("Task timed out after %.2f seconds", d.Seconds())
}

// ErrorDocument returns the payload of a function error.
func ErrorDocument(errorType, message string) []byte {
	doc, err := json.Marshal(struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{errorType, message})
	if err != nil {
		panic(err) // two strings always encode
	}
	return doc
}
