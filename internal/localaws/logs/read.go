package logs

import (
	"context"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/logs/filter"
)

// pageBytes and pageEvents bound what one answer holds.
const (
	pageBytes  = 1 << 20
	pageEvents = 10000
)

var validPosition = regexp.MustCompile(`^[0-9]{13}/[0-9a-f]{16}$`)

// GetEventsInput asks for a page of one stream. Times are milliseconds since the epoch.
type GetEventsInput struct {
	LogGroupName       string `json:"logGroupName"`
	LogGroupIdentifier string `json:"logGroupIdentifier"`
	LogStreamName      string `json:"logStreamName"`
	StartTime          *int64 `json:"startTime"`
	EndTime            *int64 `json:"endTime"`
	StartFromHead      bool   `json:"startFromHead"`
	Limit              int    `json:"limit"`
	NextToken          string `json:"nextToken"`
}

// OutputEvent is one line as GetLogEvents returns it.
type OutputEvent struct {
	Timestamp     int64  `json:"timestamp"`
	Message       string `json:"message"`
	IngestionTime int64  `json:"ingestionTime"`
}

// GetEventsOutput is a page and where the pages before and after it begin.
type GetEventsOutput struct {
	Events            []OutputEvent `json:"events"`
	NextForwardToken  string        `json:"nextForwardToken"`
	NextBackwardToken string        `json:"nextBackwardToken"`
}

func (s *Service) getEvents(_ context.Context, in GetEventsInput) (out GetEventsOutput, err error) {
	limit, _, err := pageOf(in.Limit, pageEvents, "")
	if err != nil {
		return out, err
	}
	g, err := s.reading(in.LogGroupName, in.LogGroupIdentifier, in.LogStreamName)
	if err != nil {
		return out, err
	}
	forward, at := in.StartFromHead, ""
	if in.NextToken != "" {
		direction, place, _ := strings.Cut(in.NextToken, "/")
		if direction != "f" && direction != "b" || !validPosition.MatchString(place) {
			return out, errParameter("The specified nextToken is invalid.")
		}
		forward, at = direction == "f", place
	}
	out.Events = []OutputEvent{}
	first, last, size := "", "", 0
	take := func(row string, e event) bool {
		if in.StartTime != nil && e.Time < *in.StartTime {
			return forward
		}
		if in.EndTime != nil && e.Time >= *in.EndTime {
			return !forward
		}
		if e.Stream != in.LogStreamName {
			return true
		}
		size += len(e.Message) + eventOverhead
		if len(out.Events) == limit || size > pageBytes && len(out.Events) > 0 {
			return false
		}
		place := strings.TrimPrefix(row, g.rows())
		if first == "" {
			first = place
		}
		last = place
		out.Events = append(out.Events, OutputEvent{e.Time, e.Message, e.Ingested})
		return true
	}
	if forward {
		from := ""
		if at != "" {
			from = g.rows() + at + "\x00"
		}
		err = s.events.Scan(g.rows(), from, take)
	} else {
		before := ""
		if at != "" {
			before = g.rows() + at
		}
		err = s.events.Descend(g.rows(), before, take)
		slices.Reverse(out.Events)
		first, last = last, first
	}
	if first == "" {
		// An empty page leads back to where it was asked for: two equal tokens tell a client that it is at the end.
		if at == "" {
			at = position(0, 0)
		}
		first, last = at, at
	}
	out.NextForwardToken, out.NextBackwardToken = "f/"+last, "b/"+first
	return out, err
}

// reading returns the group that is to be read; the stream must exist if one is named.
func (s *Service) reading(name, identifier, streamName string) (group, error) {
	name, err := oneName(name, identifier)
	if err != nil {
		return group{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	o, err := s.find(name)
	if err != nil {
		return group{}, err
	}
	if _, ok := o.streams[streamName]; streamName != "" && !ok {
		return group{}, errNoStream()
	}
	return o.group, nil
}

// FilterInput asks for a page of a group's events that match. Times are milliseconds since the epoch, both included.
type FilterInput struct {
	LogGroupName        string   `json:"logGroupName"`
	LogGroupIdentifier  string   `json:"logGroupIdentifier"`
	LogStreamNames      []string `json:"logStreamNames"`
	LogStreamNamePrefix string   `json:"logStreamNamePrefix"`
	StartTime           *int64   `json:"startTime"`
	EndTime             *int64   `json:"endTime"`
	FilterPattern       string   `json:"filterPattern"`
	Limit               int      `json:"limit"`
	NextToken           string   `json:"nextToken"`
}

// FilteredEvent is one line as FilterLogEvents returns it.
type FilteredEvent struct {
	LogStreamName string `json:"logStreamName"`
	Timestamp     int64  `json:"timestamp"`
	Message       string `json:"message"`
	IngestionTime int64  `json:"ingestionTime"`
	EventID       string `json:"eventId"`
}

// FilterOutput is a page of matching events in the order of their times.
type FilterOutput struct {
	Events             []FilteredEvent `json:"events"`
	SearchedLogStreams []struct{}      `json:"searchedLogStreams"`
	NextToken          string          `json:"nextToken,omitempty"`
}

func (s *Service) filterEvents(_ context.Context, in FilterInput) (out FilterOutput, err error) {
	limit, _, err := pageOf(in.Limit, pageEvents, "")
	if err != nil {
		return out, err
	}
	if len(in.LogStreamNames) > 0 && in.LogStreamNamePrefix != "" {
		return out, errParameter("LogStreamNames and LogStreamNamePrefix are mutually exclusive parameters.")
	}
	pattern, err := filter.Parse(in.FilterPattern)
	if err != nil {
		return out, errParameter("%s", err)
	}
	g, err := s.reading(in.LogGroupName, in.LogGroupIdentifier, "")
	if err != nil {
		return out, err
	}
	from := ""
	if in.StartTime != nil {
		from = g.rows() + position(*in.StartTime, 0)
	}
	if in.NextToken != "" {
		raw, err := base64.RawURLEncoding.DecodeString(in.NextToken)
		if err != nil || !validPosition.Match(raw) {
			return out, errParameter("The specified nextToken is invalid.")
		}
		from = g.rows() + string(raw) + "\x00"
	}
	out.Events, out.SearchedLogStreams = []FilteredEvent{}, []struct{}{}
	last, size := "", 0
	err = s.events.Scan(g.rows(), from, func(row string, e event) bool {
		if in.EndTime != nil && e.Time > *in.EndTime {
			return false
		}
		if len(in.LogStreamNames) > 0 && !slices.Contains(in.LogStreamNames, e.Stream) ||
			!strings.HasPrefix(e.Stream, in.LogStreamNamePrefix) || !pattern.Match(e.Message) {
			return true
		}
		size += len(e.Message) + eventOverhead
		if len(out.Events) == limit || size > pageBytes && len(out.Events) > 0 {
			out.NextToken = encodeToken(last)
			return false
		}
		last = strings.TrimPrefix(row, g.rows())
		out.Events = append(out.Events, FilteredEvent{e.Stream, e.Time, e.Message, e.Ingested, eventID(last)})
		return true
	})
	return out, err
}

// eventID spells a position as the 56 digits by which clients tell events apart.
func eventID(place string) string {
	time, number, _ := strings.Cut(place, "/")
	n, err := strconv.ParseUint(number, 16, 64)
	if err != nil {
		return time
	}
	return fmt.Sprintf("%s%0*d", time, 56-len(time), n)
}
