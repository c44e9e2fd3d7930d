package validation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// telling selects the lines of a function's log that say something here: reports of invocations, measured publications,
// and whatever may be an error. Which it is, readLine decides.
const telling = `?REPORT ?PublishDuration ?error ?"Task timed out" ?"Runtime exited"`

var (
	reported  = regexp.MustCompile(`^REPORT .*?\tDuration: ([0-9.]+) ms`)
	died      = regexp.MustCompile(`Task timed out after|Runtime exited with`)
	requestID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
)

// readLines adds what a function's log says of the window to f.
func (r *Reader) readLines(ctx context.Context, f *Function, group string, w Window) error {
	err := r.lines(ctx, group, telling, w, func(at time.Time, message string) error {
		f.readLine(at, strings.TrimSpace(message))
		return nil
	})
	var none *types.ResourceNotFoundException
	if errors.As(err, &none) {
		return fmt.Errorf("function %s has no log group %s: deploy the stage again", f.Name, group)
	}
	return err
}

// readLine takes in one line of the function's log.
func (f *Function) readLine(at time.Time, message string) {
	if match := reported.FindStringSubmatch(message); match != nil {
		if ms, err := strconv.ParseFloat(match[1], 64); err == nil {
			f.Durations = append(f.Durations, time.Duration(ms*float64(time.Millisecond)))
		}
		return
	}
	var line struct {
		Level           string   `json:"level"`
		Message         string   `json:"message"`
		Error           string   `json:"error"`
		EventID         string   `json:"event_id"`
		RequestID       string   `json:"request_id"`
		PublishDuration *float64 `json:"PublishDuration"`
	}
	if json.Unmarshal([]byte(message), &line) != nil {
		if died.MatchString(message) {
			f.Errors = append(f.Errors, ErrorLine{At: at, Text: message, RequestID: requestID.FindString(message)})
		}
		return
	}
	if line.PublishDuration != nil {
		f.Publishes = append(f.Publishes, time.Duration(*line.PublishDuration*float64(time.Millisecond)))
	}
	if line.Level == "error" {
		text := line.Message
		if line.Error != "" {
			text += ": " + line.Error
		}
		f.Errors = append(f.Errors, ErrorLine{At: at, Text: text, EventID: line.EventID, RequestID: line.RequestID})
	}
}

// lines shows each line of a log group in the window that matches pattern.
func (r *Reader) lines(ctx context.Context, group, pattern string, w Window, show func(at time.Time, message string) error) error {
	in := &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: &group, StartTime: aws.Int64(w.From.UnixMilli()), EndTime: aws.Int64(w.To.UnixMilli()),
	}
	if pattern != "" {
		in.FilterPattern = &pattern
	}
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(r.logs, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("read log group %s: %w", group, err)
		}
		for _, line := range page.Events {
			if err := show(time.UnixMilli(aws.ToInt64(line.Timestamp)), aws.ToString(line.Message)); err != nil {
				return fmt.Errorf("read log group %s: %w", group, err)
			}
		}
	}
	return nil
}
