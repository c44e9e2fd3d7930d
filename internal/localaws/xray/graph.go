package xray

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// graphInput is the input of GetServiceGraph.
type graphInput struct {
	StartTime, EndTime  wire.Time
	GroupName, GroupARN string
}

// traceGraphInput is the input of GetTraceGraph.
type traceGraphInput struct {
	TraceIDs []string `json:"TraceIds"`
}

// graphOutput answers both: the services of traces and who calls whom.
type graphOutput struct {
	Services                 []*node
	StartTime, EndTime       *wire.Time `json:",omitempty"`
	ContainsOldGroupVersions bool
}

// node is a service of the graph: one that has sent segments, one that others have called, or the client.
//
// https://docs.aws.amazon.com/xray/latest/api/API_Service.html
type node struct {
	ReferenceID           int `json:"ReferenceId"`
	Name                  string
	Names                 []string
	Root                  bool
	AccountID             string `json:"AccountId,omitempty"`
	Type                  string `json:",omitempty"`
	State                 string
	StartTime, EndTime    wire.Time
	Edges                 []*edge
	SummaryStatistics     statistics
	DurationHistogram     []histogramEntry
	ResponseTimeHistogram []histogramEntry
}

// edge is that a service calls another.
type edge struct {
	ReferenceID           int `json:"ReferenceId"`
	StartTime, EndTime    wire.Time
	SummaryStatistics     statistics
	ResponseTimeHistogram []histogramEntry
}

type statistics struct {
	OkCount, TotalCount int
	ErrorStatistics     struct{ ThrottleCount, OtherCount, TotalCount int }
	FaultStatistics     struct{ OtherCount, TotalCount int }
	TotalResponseTime   float64
}

func (s *statistics) add(d document) {
	s.TotalCount++
	s.TotalResponseTime += d.end() - d.StartTime
	switch {
	case d.Fault:
		s.FaultStatistics.TotalCount++
		s.FaultStatistics.OtherCount++
	case d.Throttle:
		s.ErrorStatistics.TotalCount++
		s.ErrorStatistics.ThrottleCount++
	case d.Error:
		s.ErrorStatistics.TotalCount++
		s.ErrorStatistics.OtherCount++
	default:
		s.OkCount++
	}
}

// histogramEntry says how many took about so many seconds.
type histogramEntry struct {
	Value float64
	Count int
}

// addTo counts a duration, rounded to a millisecond.
func addTo(histogram []histogramEntry, seconds float64) []histogramEntry {
	seconds = math.Round(seconds*1000) / 1000
	at, found := slices.BinarySearchFunc(histogram, seconds, func(e histogramEntry, v float64) int { return cmp.Compare(e.Value, v) })
	if !found {
		histogram = slices.Insert(histogram, at, histogramEntry{Value: seconds})
	}
	histogram[at].Count++
	return histogram
}

func (s *Service) getServiceGraph(_ context.Context, in graphInput) (graphOutput, error) {
	if !in.StartTime.Before(in.EndTime.Time) || in.EndTime.Sub(in.StartTime.Time) > 6*time.Hour {
		return graphOutput{}, wire.Errorf("InvalidRequestException", "The time range must be more than 0 and at most 6 hours.")
	}
	where := filter(always{})
	if in.GroupName != "" || in.GroupARN != "" {
		s.mu.Lock()
		g, err := s.group(in.GroupName, in.GroupARN)
		s.mu.Unlock()
		if err != nil {
			return graphOutput{}, err
		}
		if where, err = parseFilter(g.FilterExpression); err != nil {
			return graphOutput{}, err
		}
	}
	traces, err := s.between(in.StartTime.Time, in.EndTime.Time, "")
	if err != nil {
		return graphOutput{}, err
	}
	g := newGraph()
	for _, t := range traces {
		if where.matches(t) {
			g.add(t)
		}
	}
	return graphOutput{Services: g.nodes, StartTime: &in.StartTime, EndTime: &in.EndTime}, nil
}

func (s *Service) getTraceGraph(_ context.Context, in traceGraphInput) (graphOutput, error) {
	if len(in.TraceIDs) > maxTraces {
		return graphOutput{}, wire.Errorf("InvalidRequestException", "A request may ask for at most %d traces.", maxTraces)
	}
	g := newGraph()
	for _, id := range in.TraceIDs {
		if !traceExpr.MatchString(id) {
			return graphOutput{}, wire.Errorf("InvalidRequestException", "Invalid trace id: %s", id)
		}
		docs, err := s.trace(id)
		if err != nil {
			return graphOutput{}, err
		}
		if len(docs) > 0 {
			g.add(trace{id: id, docs: docs})
		}
	}
	return graphOutput{Services: g.nodes}, nil
}

// graph collects services and calls.
type graph struct {
	nodes []*node
	known map[[2]string]*node // by name and type
}

func newGraph() *graph { return &graph{nodes: []*node{}, known: map[[2]string]*node{}} }

// clientType is that of whoever sends the requests that begin traces.
const clientType = "client"

// add adds the services of a trace. A call is a segment below a part of another service's, or a part that names a remote
// service which sends no segments.
func (g *graph) add(t trace) {
	owners := map[string]document{} // by the id of each part: the segment that it belongs to
	for _, d := range t.segments() {
		d.walk(func(part *document) { owners[part.ID] = d })
	}
	for progress := true; progress; { // subsegments that were sent on their own stand below one another in any order
		progress = false
		for _, d := range t.docs {
			owner, ok := owners[d.ParentID]
			if _, known := owners[d.ID]; d.Type != "subsegment" || known || !ok {
				continue
			}
			d.walk(func(part *document) { owners[part.ID] = owner })
			progress = true
		}
	}
	answered := map[string]bool{} // parts below which another service has sent a segment
	for _, d := range t.segments() {
		to := g.node(d.Name, d.Origin)
		to.count(d)
		answered[d.ParentID] = true
		if owner, ok := owners[d.ParentID]; ok {
			g.node(owner.Name, owner.Origin).calls(to, d)
			continue
		}
		to.Root = true
		client := g.node(d.Name, clientType)
		client.AccountID = ""
		client.count(d)
		client.calls(to, d)
	}
	for i := range t.docs {
		t.docs[i].walk(func(part *document) {
			owner, ok := owners[part.ID]
			if part.Namespace == "" || answered[part.ID] || !ok {
				return
			}
			kind := "remote"
			if part.Namespace == "aws" {
				kind = "AWS::" + part.Name
			}
			to := g.node(part.Name, kind)
			to.count(*part)
			g.node(owner.Name, owner.Origin).calls(to, *part)
		})
	}
}

// node returns the service of a name and type.
func (g *graph) node(name, kind string) *node {
	key := [2]string{name, kind}
	if n, ok := g.known[key]; ok {
		return n
	}
	n := &node{
		ReferenceID: len(g.nodes), Name: name, Names: []string{name}, AccountID: arn.Account, Type: kind, State: "active", Edges: []*edge{},
		DurationHistogram: []histogramEntry{}, ResponseTimeHistogram: []histogramEntry{},
	}
	g.known[key] = n
	g.nodes = append(g.nodes, n)
	return n
}

func (n *node) count(d document) {
	n.SummaryStatistics.add(d)
	n.DurationHistogram = addTo(n.DurationHistogram, d.end()-d.StartTime)
	n.ResponseTimeHistogram = addTo(n.ResponseTimeHistogram, d.end()-d.StartTime)
	n.StartTime, n.EndTime = widen(n.StartTime, n.EndTime, d)
}

// calls notes that n has called another service, as d tells.
func (n *node) calls(to *node, d document) {
	i := slices.IndexFunc(n.Edges, func(e *edge) bool { return e.ReferenceID == to.ReferenceID })
	if i < 0 {
		i = len(n.Edges)
		n.Edges = append(n.Edges, &edge{ReferenceID: to.ReferenceID, ResponseTimeHistogram: []histogramEntry{}})
	}
	e := n.Edges[i]
	e.SummaryStatistics.add(d)
	e.ResponseTimeHistogram = addTo(e.ResponseTimeHistogram, d.end()-d.StartTime)
	e.StartTime, e.EndTime = widen(e.StartTime, e.EndTime, d)
}

// widen returns the time from start to end as it is with d in it.
func widen(start, end wire.Time, d document) (from, to wire.Time) {
	began, ended := instant(d.StartTime), instant(d.end())
	if start.IsZero() || began.Before(start.Time) {
		start = wire.Time{Time: began}
	}
	if ended.After(end.Time) {
		end = wire.Time{Time: ended}
	}
	return start, end
}

func instant(seconds float64) time.Time { return time.UnixMilli(int64(seconds * 1000)).UTC() }
