package xray

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

type getSummariesInput struct {
	StartTime, EndTime wire.Time
	FilterExpression   string
	NextToken          string
}

type getSummariesOutput struct {
	TraceSummaries       []summary
	ApproximateTime      wire.Time
	TracesProcessedCount int
	NextToken            string `json:",omitempty"`
}

// summary is a TraceSummary. https://docs.aws.amazon.com/xray/latest/api/API_TraceSummary.html
type summary struct {
	ID           string `json:"Id"`
	StartTime    wire.Time
	Duration     float64
	ResponseTime float64
	HasFault     bool
	HasError     bool
	HasThrottle  bool
	IsPartial    bool
	HTTP         httpSummary `json:"Http"`
	EntryPoint   *serviceID  `json:",omitempty"`
	ServiceIDs   []serviceID `json:"ServiceIds"`
	Annotations  map[string][]annotation
	ResourceARNs []resourceARN
	Users        []user
	Revision     int
}

type httpSummary struct {
	HTTPURL    string `json:"HttpURL,omitempty"`
	HTTPStatus int    `json:"HttpStatus,omitempty"`
	HTTPMethod string `json:"HttpMethod,omitempty"`
	UserAgent  string `json:",omitempty"`
	ClientIP   string `json:"ClientIp,omitempty"`
}

type serviceID struct {
	Name      string
	Names     []string
	AccountID string `json:"AccountId"`
	Type      string `json:",omitempty"`
}

type annotation struct {
	AnnotationValue annotationValue
	ServiceIDs      []serviceID `json:"ServiceIds"`
}

type annotationValue struct {
	StringValue  *string  `json:",omitempty"`
	NumberValue  *float64 `json:",omitempty"`
	BooleanValue *bool    `json:",omitempty"`
}

type (
	resourceARN struct{ ARN string }
	user        struct {
		UserName   string
		ServiceIDs []serviceID `json:"ServiceIds"`
	}
)

// pageSize is how many traces one answer holds.
const pageSize = 100

func (s *Service) getSummaries(_ context.Context, in getSummariesInput) (getSummariesOutput, error) {
	out := getSummariesOutput{TraceSummaries: []summary{}, ApproximateTime: wire.Time{Time: time.Now()}}
	if in.StartTime.IsZero() || in.EndTime.IsZero() || in.EndTime.Before(in.StartTime.Time) {
		return out, wire.Errorf("InvalidRequestException", "StartTime and EndTime are required, in this order.")
	}
	var where filter = always{}
	if in.FilterExpression != "" {
		var err error
		if where, err = parseFilter(in.FilterExpression); err != nil {
			return out, wire.Errorf("InvalidRequestException", "Invalid filter expression: %v", err)
		}
	}
	traces, err := s.between(in.StartTime.Time, in.EndTime.Time, in.NextToken)
	if err != nil {
		return out, err
	}
	for _, t := range traces {
		if len(out.TraceSummaries) == pageSize {
			out.NextToken = t.id
			break
		}
		out.TracesProcessedCount++
		if where.matches(t) {
			out.TraceSummaries = append(out.TraceSummaries, t.summary())
		}
	}
	return out, nil
}

// trace is what a filter looks at: the documents of one trace, or of one of its services.
type trace struct {
	id   string
	docs []document
}

// between returns the traces whose ids, which begin with their time, lie between two times, from the trace first on.
func (s *Service) between(start, end time.Time, first string) ([]trace, error) {
	from := max(fmt.Sprintf("1-%08x", start.Unix()), first)
	to := fmt.Sprintf("1-%08x-~", end.Unix())
	var traces []trace
	var failure error
	err := s.segments.Scan("", from, func(key string, r record) bool {
		if key > to {
			return false
		}
		d, err := decode(r.Document)
		if err != nil {
			failure = err
			return false
		}
		if n := len(traces); n == 0 || traces[n-1].id != d.TraceID {
			traces = append(traces, trace{id: d.TraceID})
		}
		last := &traces[len(traces)-1]
		last.docs = append(last.docs, d)
		return true
	})
	if err == nil {
		err = failure
	}
	return traces, err
}

// root returns the segment that the trace begins with: one without a parent in the trace, the earliest.
func (t trace) root() (document, bool) {
	ids := map[string]bool{}
	for i := range t.docs {
		t.docs[i].walk(func(d *document) { ids[d.ID] = true })
	}
	var roots []document
	for _, d := range t.docs {
		if !ids[d.ParentID] {
			roots = append(roots, d)
		}
	}
	if len(roots) == 0 {
		return document{}, false
	}
	return slices.MinFunc(roots, func(a, b document) int { return cmp.Compare(a.StartTime, b.StartTime) }), true
}

// any says whether f holds for some segment or subsegment.
func (t trace) any(f func(*document) bool) bool {
	found := false
	for i := range t.docs {
		t.docs[i].walk(func(d *document) { found = found || f(d) })
	}
	return found
}

// segments returns the documents that are segments, not subsegments sent on their own.
func (t trace) segments() []document {
	return slices.DeleteFunc(slices.Clone(t.docs), func(d document) bool { return d.Type == "subsegment" })
}

func (t trace) fault() bool    { return anySegment(t, func(d document) bool { return d.Fault }) }
func (t trace) error() bool    { return anySegment(t, func(d document) bool { return d.Error }) }
func (t trace) throttle() bool { return anySegment(t, func(d document) bool { return d.Throttle }) }

func anySegment(t trace, f func(document) bool) bool { return slices.ContainsFunc(t.segments(), f) }

// partial says whether something of the trace is still to come.
func (t trace) partial() bool {
	root, ok := t.root()
	return !ok || root.Type == "subsegment" || t.any(func(d *document) bool { return d.InProgress })
}

func (t trace) duration() float64 {
	start, end := span(t.docs)
	return end - start
}

func (t trace) responseTime() float64 {
	root, _ := t.root()
	return max(0, root.end()-root.StartTime)
}

func service(d document) serviceID {
	return serviceID{Name: d.Name, Names: []string{d.Name}, AccountID: arn.Account, Type: d.Origin}
}

// services returns the services of the trace, each once.
func (t trace) services() []serviceID {
	seen := map[[2]string]bool{}
	all := []serviceID{}
	for _, d := range t.segments() {
		if key := [2]string{d.Name, d.Origin}; !seen[key] {
			seen[key] = true
			all = append(all, service(d))
		}
	}
	return all
}

// annotations calls f for every annotation with the service that it was made in.
func (t trace) annotations(f func(key string, value any, by document)) {
	byID := map[string]document{}
	for _, d := range t.segments() {
		d.walk(func(sub *document) { byID[sub.ID] = d })
	}
	for i := range t.docs {
		top := t.docs[i]
		by, ok := byID[top.ParentID]
		if top.Type != "subsegment" || !ok {
			by = top
		}
		top.walk(func(d *document) {
			for _, key := range slices.Sorted(maps.Keys(d.Annotations)) {
				f(key, d.Annotations[key], by)
			}
		})
	}
}

func (t trace) summary() summary {
	start, end := span(t.docs)
	root, _ := t.root()
	out := summary{
		ID: t.id, StartTime: wire.Time{Time: time.UnixMicro(int64(start * 1e6))}, Duration: end - start,
		ResponseTime: t.responseTime(), HasFault: t.fault(), HasError: t.error(), HasThrottle: t.throttle(),
		IsPartial: t.partial(), ServiceIDs: t.services(), Annotations: map[string][]annotation{},
		ResourceARNs: []resourceARN{}, Users: []user{}, Revision: len(t.docs),
		HTTP: httpSummary{
			HTTPURL: root.HTTP.Request.URL, HTTPStatus: root.HTTP.Response.Status, HTTPMethod: root.HTTP.Request.Method,
			UserAgent: root.HTTP.Request.UserAgent, ClientIP: root.HTTP.Request.ClientIP,
		},
	}
	if root.Name != "" {
		entry := service(root)
		out.EntryPoint = &entry
	}
	t.annotations(func(key string, value any, by document) { out.annotate(key, value, service(by)) })
	for _, d := range t.docs {
		if d.ResourceARN != "" && !slices.Contains(out.ResourceARNs, resourceARN{d.ResourceARN}) {
			out.ResourceARNs = append(out.ResourceARNs, resourceARN{d.ResourceARN})
		}
		if d.User != "" {
			out.Users = append(out.Users, user{d.User, []serviceID{service(d)}})
		}
	}
	return out
}

// annotate adds a value of an annotation; the same value of several services is listed once, with all of them.
func (s *summary) annotate(key string, value any, by serviceID) {
	var v annotationValue
	switch x := value.(type) {
	case string:
		v.StringValue = &x
	case float64:
		v.NumberValue = &x
	case bool:
		v.BooleanValue = &x
	default:
		return // X-Ray indexes no others
	}
	for i, a := range s.Annotations[key] {
		if !a.AnnotationValue.equal(v) {
			continue
		}
		known := func(id serviceID) bool { return id.Name == by.Name && id.Type == by.Type }
		if !slices.ContainsFunc(a.ServiceIDs, known) {
			s.Annotations[key][i].ServiceIDs = append(a.ServiceIDs, by)
		}
		return
	}
	s.Annotations[key] = append(s.Annotations[key], annotation{v, []serviceID{by}})
}

func (v annotationValue) equal(o annotationValue) bool {
	return same(v.StringValue, o.StringValue) && same(v.NumberValue, o.NumberValue) && same(v.BooleanValue, o.BooleanValue)
}

func same[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }
