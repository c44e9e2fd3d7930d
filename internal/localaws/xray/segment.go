package xray

import (
	"encoding/json"
	"regexp"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// document is a segment or subsegment document.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
type document struct {
	ID          string  `json:"id"`
	TraceID     string  `json:"trace_id"`
	ParentID    string  `json:"parent_id"`
	Name        string  `json:"name"`
	Type        string  `json:"type"`
	Namespace   string  `json:"namespace"`
	Origin      string  `json:"origin"`
	ResourceARN string  `json:"resource_arn"`
	StartTime   float64 `json:"start_time"`
	EndTime     float64 `json:"end_time"`
	InProgress  bool    `json:"in_progress"`
	Error       bool    `json:"error"`
	Fault       bool    `json:"fault"`
	Throttle    bool    `json:"throttle"`
	User        string  `json:"user"`
	HTTP        struct {
		Request struct {
			Method    string `json:"method"`
			URL       string `json:"url"`
			UserAgent string `json:"user_agent"`
			ClientIP  string `json:"client_ip"`
		} `json:"request"`
		Response struct {
			Status int `json:"status"`
		} `json:"response"`
	} `json:"http"`
	Annotations map[string]any `json:"annotations"`
	Subsegments []document     `json:"subsegments"`

	raw json.RawMessage
}

// record is a document as it is stored: what was sent.
type record struct{ Document json.RawMessage }

var (
	traceExpr = regexp.MustCompile(`^1-[0-9a-f]{8}-[0-9a-f]{24}$`)
	idExpr    = regexp.MustCompile(`^[0-9a-f]{16}$`)
)

// maxDocument is the longest document that X-Ray takes, in bytes.
const maxDocument = 64 << 10

// decode reads and checks a document that was sent.
func decode(raw []byte) (document, error) {
	var d document
	if len(raw) > maxDocument {
		return d, refuse("SegmentTooLarge", "the document has %d bytes, at most %d are allowed", len(raw), maxDocument)
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return d, refuse("ParseError", "%v", err)
	}
	switch {
	case !idExpr.MatchString(d.ID):
		return d, refuse("InvalidId", "id %q is not 16 hexadecimal digits", d.ID)
	case !traceExpr.MatchString(d.TraceID):
		return d, refuse("InvalidTraceId", "trace_id %q is not 1-XXXXXXXX-XXXXXXXXXXXXXXXXXXXXXXXX", d.TraceID)
	case d.Name == "" || len(d.Name) > 200:
		return d, refuse("InvalidName", "name %q must have 1 to 200 characters", d.Name)
	case d.StartTime <= 0:
		return d, refuse("MissingStartTime", "start_time is required")
	case d.EndTime <= 0 && !d.InProgress:
		return d, refuse("MissingEndTime", "end_time is required unless in_progress is true")
	case d.Type == "subsegment" && !idExpr.MatchString(d.ParentID):
		return d, refuse("InvalidParentId", "a subsegment needs the parent_id of its segment, not %q", d.ParentID)
	}
	d.raw = append(json.RawMessage{}, raw...)
	return d, nil
}

func refuse(code, format string, args ...any) *wire.Error {
	return wire.Errorf(code, "Invalid segment. ErrorCode: "+code+": "+format, args...)
}

// walk calls f for d and everything below it.
func (d *document) walk(f func(*document)) {
	f(d)
	for i := range d.Subsegments {
		d.Subsegments[i].walk(f)
	}
}

// end is when d ended, or, as long as it has not, when it started.
func (d *document) end() float64 { return max(d.StartTime, d.EndTime) }
