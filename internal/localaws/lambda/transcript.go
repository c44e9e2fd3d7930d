package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/lambda/sandbox"
)

const (
	// tailSize is how much of its log a caller may ask for.
	tailSize = 4096
	// flushAfter and flushSize bound how long lines wait: a running function can be watched.
	flushAfter = 100 * time.Millisecond
	flushSize  = 256 << 10
)

// transcript is the log stream of one environment: what the function prints and what Lambda says of it. It is safe for
// concurrent use.
type transcript struct {
	service       *Service
	cfg           configuration
	group, stream string

	mu    sync.Mutex
	lines []Line
	size  int
	timer *time.Timer
	tail  []byte
}

func (s *Service) newTranscript(cfg configuration) *transcript {
	id := strings.ReplaceAll(uuid.NewString(), "-", "")
	return &transcript{
		service: s, cfg: cfg, group: cfg.LoggingConfig.LogGroup,
		stream: fmt.Sprintf("%s/[%s]%s", s.cfg.Clock.Now().UTC().Format("2006/01/02"), cfg.Version, id),
	}
}

// add appends a line. Lines are written to the log together, in order.
func (t *transcript) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, Line{Time: t.service.cfg.Clock.Now(), Message: line})
	t.tail = append(append(t.tail, line...), '\n')
	if len(t.tail) > 2*tailSize {
		t.tail = append(t.tail[:0], t.tail[len(t.tail)-tailSize:]...)
	}
	if t.size += len(line); t.size > flushSize {
		t.write()
	} else if t.timer == nil {
		t.timer = time.AfterFunc(flushAfter, t.flush)
	}
}

// flush writes what has been added.
func (t *transcript) flush() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.write()
}

// write writes the lines; t.mu is held, which keeps their order.
func (t *transcript) write() {
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
	if len(t.lines) == 0 {
		return
	}
	if err := t.service.cfg.Logs.Write(context.Background(), t.cfg.Role, t.group, t.stream, t.lines); err != nil {
		t.service.broken(fmt.Errorf("write the log of %s: %w", t.cfg.FunctionName, err))
	}
	t.lines, t.size = nil, 0
}

// last returns the end of the log of the current invocation.
func (t *transcript) last() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]byte{}, t.tail[max(0, len(t.tail)-tailSize):]...)
}

func (t *transcript) json() bool { return t.cfg.LoggingConfig.LogFormat == "JSON" }

// platform adds a platform event of the JSON format.
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
func (t *transcript) platform(event string, record map[string]any) {
	raw, err := json.Marshal(map[string]any{
		"time": t.service.cfg.Clock.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "type": "platform." + event, "record": record,
	})
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	t.add(string(raw))
}

func (t *transcript) initStart() {
	if t.json() {
		t.platform("initStart", map[string]any{
			"initializationType": "on-demand", "phase": "init", "runtimeVersion": "provided:al2023",
			"functionName": t.cfg.FunctionName, "functionVersion": t.cfg.Version,
		})
		return
	}
	t.add("INIT_START Runtime Version: provided:al2023\tRuntime Version ARN: " + runtimeVersionARN)
}

// initFailed reports an initialisation that did not end well.
func (t *transcript) initFailed(phase string, took time.Duration, err *sandbox.InitError) {
	status := sandbox.Failure
	if err.TimedOut {
		status = sandbox.Timeout
	}
	if t.json() {
		t.platform("initReport", map[string]any{
			"initializationType": "on-demand", "phase": phase, "status": status, "errorType": err.Type,
			"metrics": map[string]any{"durationMs": milliseconds(took)},
		})
		return
	}
	line := fmt.Sprintf("INIT_REPORT Init Duration: %.2f ms\tPhase: %s\tStatus: %s", milliseconds(took), phase, status)
	if !err.TimedOut {
		line += "\tError Type: " + err.Type
	}
	t.add(line)
}

// begin marks the start of an invocation: last goes back to here.
func (t *transcript) begin(requestID string) {
	t.mu.Lock()
	t.tail = nil
	t.mu.Unlock()
	if t.json() {
		t.platform("start", map[string]any{"requestId": requestID, "version": t.cfg.Version})
		return
	}
	t.add(fmt.Sprintf("START RequestId: %s Version: %s", requestID, t.cfg.Version))
}

// end marks the end of an invocation and reports it.
func (t *transcript) end(requestID string, r result) {
	if t.json() {
		t.endJSON(requestID, r)
		return
	}
	switch {
	case r.Status == sandbox.Timeout:
		t.add(fmt.Sprintf("%s %s %s", t.service.cfg.Clock.Now().UTC().Format("2006-01-02T15:04:05.000Z"), requestID,
			sandbox.TimeoutMessage(time.Duration(t.cfg.Timeout)*time.Second)))
	case r.Exit != "":
		t.add(fmt.Sprintf("RequestId: %s Error: %s", requestID, r.Exit))
		t.add("Runtime.ExitError")
	}
	t.add("END RequestId: " + requestID)

	line := fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t",
		requestID, milliseconds(r.Duration), r.billed(), t.cfg.MemorySize, megabytes(r.MaxMemory))
	if r.cold && r.initialised > 0 {
		line += fmt.Sprintf("Init Duration: %.2f ms\t", milliseconds(r.initialised))
	}
	if r.sampled {
		line += fmt.Sprintf("\nXRAY TraceId: %s\tSegmentId: %s\tSampled: true\t", r.traceID, r.segmentID)
	}
	if r.Gone && r.Status != sandbox.Success {
		line += "Status: " + string(r.Status)
		if r.Status == sandbox.Failure {
			line += "\tError Type: " + r.ErrorType
		}
	}
	t.add(line)
}

func (t *transcript) endJSON(requestID string, r result) {
	metrics := map[string]any{
		"durationMs": milliseconds(r.Duration), "billedDurationMs": r.billed(),
		"memorySizeMB": t.cfg.MemorySize, "maxMemoryUsedMB": megabytes(r.MaxMemory),
	}
	if r.cold && r.initialised > 0 {
		metrics["initDurationMs"] = milliseconds(r.initialised)
	}
	record := map[string]any{"requestId": requestID, "metrics": metrics, "status": r.Status}
	if r.ErrorType != "" {
		record["errorType"] = r.ErrorType
	}
	if r.sampled {
		record["tracing"] = map[string]any{"type": "X-Amzn-Trace-Id", "value": r.functionHeader, "spanId": r.segmentID}
	}
	t.platform("report", record)
}

// billed is what an OS-only runtime pays for: its initialisation too, in whole milliseconds.
func (r result) billed() int64 {
	return int64(math.Ceil(milliseconds(r.Duration) + milliseconds(r.initialised)))
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func megabytes(bytes int64) int64 { return (bytes + 1<<20 - 1) >> 20 }
