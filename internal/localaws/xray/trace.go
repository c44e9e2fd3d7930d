package xray

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

type putSegmentsInput struct{ TraceSegmentDocuments []string }

type unprocessed struct {
	ID        string `json:"Id,omitempty"`
	ErrorCode string
	Message   string
}

type putSegmentsOutput struct{ UnprocessedTraceSegments []unprocessed }

func (s *Service) putSegments(_ context.Context, in putSegmentsInput) (putSegmentsOutput, error) {
	out := putSegmentsOutput{UnprocessedTraceSegments: []unprocessed{}}
	var docs []document
	for _, text := range in.TraceSegmentDocuments {
		doc, err := decode([]byte(text))
		var refused *wire.Error
		if errors.As(err, &refused) {
			out.UnprocessedTraceSegments = append(out.UnprocessedTraceSegments, unprocessed{doc.ID, refused.Code, refused.Message})
			continue
		}
		docs = append(docs, doc)
	}
	return out, s.put(docs)
}

type getTracesInput struct {
	TraceIDs []string `json:"TraceIds"`
}

type getTracesOutput struct {
	Traces              []traceOutput
	UnprocessedTraceIDs []string `json:"UnprocessedTraceIds"`
}

type traceOutput struct {
	ID            string `json:"Id"`
	Duration      float64
	LimitExceeded bool
	Segments      []segmentOutput
}

type segmentOutput struct {
	ID       string `json:"Id"`
	Document string
}

// maxTraces is how many traces one request may ask for.
const maxTraces = 5

func (s *Service) getTraces(_ context.Context, in getTracesInput) (getTracesOutput, error) {
	out := getTracesOutput{Traces: []traceOutput{}, UnprocessedTraceIDs: []string{}}
	if len(in.TraceIDs) > maxTraces {
		return out, wire.Errorf("InvalidRequestException", "A request may ask for at most %d traces.", maxTraces)
	}
	for _, id := range in.TraceIDs {
		if !traceExpr.MatchString(id) {
			return out, wire.Errorf("InvalidRequestException", "Invalid trace id: %s", id)
		}
		docs, err := s.trace(id)
		if err != nil {
			return out, err
		}
		if len(docs) == 0 {
			out.UnprocessedTraceIDs = append(out.UnprocessedTraceIDs, id)
			continue
		}
		segments, err := merge(docs)
		if err != nil {
			return out, fmt.Errorf("trace %s: %w", id, err)
		}
		start, end := span(docs)
		out.Traces = append(out.Traces, traceOutput{ID: id, Duration: end - start, Segments: segments})
	}
	return out, nil
}

// trace returns the stored documents of a trace.
func (s *Service) trace(id string) ([]document, error) {
	var docs []document
	var failure error
	err := s.segments.Scan(id+"/", "", func(_ string, r record) bool {
		var d document
		d, failure = decode(r.Document)
		docs = append(docs, d)
		return failure == nil
	})
	return docs, errors.Join(err, failure)
}

// span returns when the first document started and the last ended.
func span(docs []document) (start, end float64) {
	start = docs[0].StartTime
	for i := range docs {
		docs[i].walk(func(d *document) {
			start = min(start, d.StartTime)
			end = max(end, d.end())
		})
	}
	return start, end
}

// merge puts subsegments that were sent on their own into the documents of their parents, as X-Ray does, and returns
// the segments in the order of their start. A subsegment whose parent has not come stays on its own.
func merge(docs []document) ([]segmentOutput, error) {
	slices.SortStableFunc(docs, func(a, b document) int { return cmp.Compare(a.StartTime, b.StartTime) })
	trees := make([]map[string]any, len(docs))
	byID := map[string]map[string]any{}
	for i, d := range docs {
		in := json.NewDecoder(bytes.NewReader(d.raw))
		in.UseNumber() // times keep their digits
		if err := in.Decode(&trees[i]); err != nil {
			return nil, fmt.Errorf("segment %s: %w", d.ID, err)
		}
		index(trees[i], byID)
	}
	var out []segmentOutput
	for i, d := range docs {
		if d.Type == "subsegment" {
			if parent, ok := byID[d.ParentID]; ok && !below(trees[i], parent) {
				children, _ := parent["subsegments"].([]any)
				parent["subsegments"] = append(children, trees[i])
				trees[i] = nil
			}
		}
	}
	for i, d := range docs {
		if trees[i] == nil {
			continue
		}
		raw, err := json.Marshal(trees[i])
		if err != nil {
			return nil, fmt.Errorf("segment %s: %w", d.ID, err)
		}
		out = append(out, segmentOutput{d.ID, string(raw)})
	}
	return out, nil
}

// index notes every node of a tree by its id.
func index(node map[string]any, byID map[string]map[string]any) {
	if id, ok := node["id"].(string); ok {
		byID[id] = node
	}
	children, _ := node["subsegments"].([]any)
	for _, child := range children {
		if sub, ok := child.(map[string]any); ok {
			index(sub, byID)
		}
	}
}

// below says whether node is in the tree, so that documents which name each other as parents make no circle.
func below(tree, node map[string]any) bool {
	found := map[string]map[string]any{}
	index(tree, found)
	id, _ := node["id"].(string)
	_, ok := found[id]
	return ok
}
