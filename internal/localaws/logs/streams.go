package logs

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// StreamInput names a stream.
type StreamInput struct {
	LogGroupName  string `json:"logGroupName"`
	LogStreamName string `json:"logStreamName"`
}

func (s *Service) createStream(_ context.Context, in StreamInput) (out wire.Empty, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.find(in.LogGroupName)
	if err != nil {
		return out, err
	}
	if _, ok := o.streams[in.LogStreamName]; ok {
		return out, wire.Errorf("ResourceAlreadyExistsException", "The specified log stream already exists")
	}
	return out, s.openStream(o, in.LogStreamName)
}

// openStream makes a stream. The caller holds the lock.
func (s *Service) openStream(o *open, name string) error {
	if len(name) > 512 {
		return errParameter("Invalid LogGroup or LogStream, both must have length less than or equal to 512.")
	}
	if name == "" || strings.ContainsAny(name, ":*") {
		return errParameter("1 validation error detected: Value '%s' at 'logStreamName' failed to satisfy constraint: Member must "+
			"satisfy regular expression pattern: [^:*]*", name)
	}
	st := stream{Name: name, Created: s.now()}
	if err := s.streams.Put(streamRow(o.group, name), st); err != nil {
		return err
	}
	o.streams[name] = st
	return nil
}

func (s *Service) deleteStream(_ context.Context, in StreamInput) (out wire.Empty, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.find(in.LogGroupName)
	if err != nil {
		return out, err
	}
	if _, ok := o.streams[in.LogStreamName]; !ok {
		return out, errNoStream()
	}
	err = s.cfg.Store.Update(func(tx *state.Tx) error {
		s.streams.DeleteTx(tx, streamRow(o.group, in.LogStreamName))
		return s.events.Scan(o.rows(), "", func(row string, e event) bool {
			if e.Stream == in.LogStreamName {
				s.events.DeleteTx(tx, row)
			}
			return true
		})
	})
	if err == nil {
		delete(o.streams, in.LogStreamName)
	}
	return out, err
}

func errNoStream() *wire.Error {
	return wire.Errorf("ResourceNotFoundException", "The specified log stream does not exist.")
}

// DescribeStreamsInput asks for a page of streams.
type DescribeStreamsInput struct {
	LogGroupName       string `json:"logGroupName"`
	LogGroupIdentifier string `json:"logGroupIdentifier"`
	Prefix             string `json:"logStreamNamePrefix"`
	OrderBy            string `json:"orderBy"`
	Descending         bool   `json:"descending"`
	Limit              int    `json:"limit"`
	NextToken          string `json:"nextToken"`
}

// DescribeStreamsOutput is a page of streams.
type DescribeStreamsOutput struct {
	LogStreams []StreamDescription `json:"logStreams"`
	NextToken  string              `json:"nextToken,omitempty"`
}

// StreamDescription is what CloudWatch Logs tells about a stream.
type StreamDescription struct {
	LogStreamName       string `json:"logStreamName"`
	ARN                 string `json:"arn"`
	CreationTime        int64  `json:"creationTime"`
	FirstEventTimestamp int64  `json:"firstEventTimestamp,omitempty"`
	LastEventTimestamp  int64  `json:"lastEventTimestamp,omitempty"`
	LastIngestionTime   int64  `json:"lastIngestionTime,omitempty"`
	UploadSequenceToken string `json:"uploadSequenceToken,omitempty"`
	StoredBytes         int64  `json:"storedBytes"`
}

func (s *Service) describeStreams(_ context.Context, in DescribeStreamsInput) (out DescribeStreamsOutput, err error) {
	name, err := oneName(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return out, err
	}
	byTime := in.OrderBy == "LastEventTime"
	if byTime && in.Prefix != "" {
		return out, errParameter("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	limit, after, err := pageOf(in.Limit, 50, in.NextToken)
	if err != nil {
		return out, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	o, err := s.find(name)
	if err != nil {
		return out, err
	}
	streams := slices.SortedFunc(maps.Values(o.streams), func(a, b stream) int {
		order := strings.Compare(a.Name, b.Name)
		if byTime {
			order = cmp.Or(cmp.Compare(a.Last, b.Last), order)
		}
		if in.Descending {
			order = -order
		}
		return order
	})
	streams = slices.DeleteFunc(streams, func(st stream) bool { return !strings.HasPrefix(st.Name, in.Prefix) })
	if i := slices.IndexFunc(streams, func(st stream) bool { return st.Name == after }); after != "" {
		streams = streams[i+1:]
	}
	out.LogStreams = []StreamDescription{}
	for _, st := range streams {
		if len(out.LogStreams) == limit {
			out.NextToken = encodeToken(out.LogStreams[limit-1].LogStreamName)
			break
		}
		out.LogStreams = append(out.LogStreams, StreamDescription{
			LogStreamName: st.Name, ARN: o.arn() + ":log-stream:" + st.Name, CreationTime: st.Created,
			FirstEventTimestamp: st.First, LastEventTimestamp: st.Last, LastIngestionTime: st.Ingested,
		})
	}
	return out, nil
}

// oneName returns the group that a request names by name or by identifier.
func oneName(name, identifier string) (string, error) {
	if name != "" && identifier != "" {
		return "", wire.Errorf("ValidationException", "LogGroup name and LogGroup ARN are mutually exclusive parameters.")
	}
	return name + identifier, nil
}
