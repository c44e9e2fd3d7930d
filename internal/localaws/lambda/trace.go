package lambda

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/lambda/sandbox"
)

// trace is the place of an invocation in its X-Ray trace.
//
// An actively traced function has two segments: AWS::Lambda for the service (its id is serviceID) and, below it,
// AWS::Lambda::Function for the function (segmentID), whose id the function gets as its parent.
// https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
type trace struct {
	traceID string
	// parentID is the segment that called.
	parentID string
	sampled  bool
	// serviceID and serviceParent are the service's segment and what the function's segment hangs on.
	serviceID, serviceParent string
	segmentID                string
	functionHeader           string
}

// newTrace reads an X-Amzn-Trace-Id header, which may be empty, for a function. Whatever arrives without a decision is
// sampled if the function is traced actively.
func newTrace(header, mode string, now time.Time) trace {
	var t trace
	decision := ""
	for field := range strings.SplitSeq(header, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch key {
		case "Root":
			t.traceID = value
		case "Parent":
			t.parentID = value
		case "Sampled":
			decision = value
		}
	}
	if t.traceID == "" {
		t.traceID, t.parentID = fmt.Sprintf("1-%08x-%s", now.Unix(), randomHex(12)), ""
	}
	t.sampled = mode == "Active" && decision != "0"
	if t.sampled {
		t.serviceID = randomHex(8)
		t.serviceParent = t.serviceID
		return t
	}
	if decision != "1" { // without active tracing a decision of others is passed on, else nothing is sampled
		decision = "0"
	}
	parent := t.parentID
	if parent == "" {
		parent = randomHex(8)
	}
	t.functionHeader = fmt.Sprintf("Root=%s;Parent=%s;Sampled=%s", t.traceID, parent, decision)
	return t
}

// forFunction returns t with a segment for one run of the function.
func (t trace) forFunction() trace {
	if t.sampled {
		t.segmentID = randomHex(8)
		t.functionHeader = fmt.Sprintf("Root=%s;Parent=%s;Sampled=1", t.traceID, t.segmentID)
	}
	return t
}

// header is how the trace goes on to whatever Lambda sends a record to.
func (t trace) header() string {
	if t.sampled {
		return fmt.Sprintf("Root=%s;Parent=%s;Sampled=1", t.traceID, t.serviceID)
	}
	return t.functionHeader
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// segment is an X-Ray segment document.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
type segment struct {
	Name        string          `json:"name"`
	ID          string          `json:"id"`
	TraceID     string          `json:"trace_id,omitempty"`
	ParentID    string          `json:"parent_id,omitempty"`
	StartTime   float64         `json:"start_time"`
	EndTime     float64         `json:"end_time,omitempty"`
	InProgress  bool            `json:"in_progress,omitempty"`
	Origin      string          `json:"origin,omitempty"`
	ResourceARN string          `json:"resource_arn,omitempty"`
	HTTP        *segmentHTTP    `json:"http,omitempty"`
	AWS         map[string]any  `json:"aws,omitempty"`
	Error       bool            `json:"error,omitempty"`
	Throttle    bool            `json:"throttle,omitempty"`
	Fault       bool            `json:"fault,omitempty"`
	Cause       json.RawMessage `json:"cause,omitempty"`
	Subsegments []segment       `json:"subsegments,omitempty"`
}

type segmentHTTP struct {
	Response struct {
		Status int `json:"status"`
	} `json:"response"`
}

func httpStatus(status int) *segmentHTTP {
	h := &segmentHTTP{}
	h.Response.Status = status
	return h
}

func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// traceFunction records the segment of one run of the function.
func (s *Service) traceFunction(c call, r result) {
	if !r.sampled {
		return
	}
	start := r.start
	doc := segment{
		Name: c.f.Name, ID: r.segmentID, TraceID: r.traceID, ParentID: r.serviceParent, Origin: "AWS::Lambda::Function",
		EndTime: seconds(r.end), Fault: r.failed(),
		AWS: map[string]any{
			"account_id": arn.Account, "function_arn": functionARN(c.f.Name, c.qualifier),
			"resource_names": []string{c.f.Name}, "request_id": c.requestID,
		},
	}
	if json.Valid(r.Cause) {
		doc.Cause = r.Cause
	}
	if r.initialised > 0 {
		start = r.start.Add(-r.initialised)
		doc.Subsegments = append(doc.Subsegments, subsegment("Initialization", start, r.start))
	}
	answered := r.start.Add(r.Answered)
	doc.StartTime = seconds(start)
	doc.Subsegments = append(doc.Subsegments, subsegment("Invocation", r.start, answered))
	if r.Status != sandbox.Timeout {
		doc.Subsegments = append(doc.Subsegments, subsegment("Overhead", answered, r.start.Add(r.Duration)))
	}
	s.record(doc)
}

func subsegment(name string, start, end time.Time) segment {
	return segment{Name: name, ID: randomHex(8), StartTime: seconds(start), EndTime: seconds(end)}
}

// serviceSegment returns the segment of Lambda itself.
func (t trace) serviceSegment(c call, status int, start, end time.Time) segment {
	return segment{
		Name: c.f.Name, ID: t.serviceID, TraceID: t.traceID, ParentID: t.parentID, Origin: "AWS::Lambda",
		StartTime: seconds(start), EndTime: seconds(end), ResourceARN: functionARN(c.f.Name, c.qualifier),
		HTTP: httpStatus(status), AWS: map[string]any{"request_id": c.requestID, "resource_names": []string{c.f.Name}},
		Throttle: status == 429, Error: status >= 400 && status < 500, Fault: status >= 500,
	}
}

// record hands a segment to X-Ray.
func (s *Service) record(doc segment) {
	raw, err := json.Marshal(doc)
	if err == nil {
		err = s.cfg.Tracer.PutSegment(context.Background(), raw)
	}
	if err != nil {
		s.broken(fmt.Errorf("record a segment of %s: %w", doc.Name, err))
	}
}
