package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-xray-sdk-go/v2/xray"

	"github.com/the-alchemiser/alchemiser/internal/telemetry"
)

// daemon is the X-Ray daemon: it keeps every document that is sent to it. The SDK's emitter is global, so there is one
// for all tests; they tell their documents by the trace.
type daemon struct {
	mu        sync.Mutex
	documents map[string][]segment
	arrived   *sync.Cond
	tracer    *telemetry.Tracer // sets the SDK's globals, so it is made once
}

// segment is the part of a segment document that the tests look at.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
type segment struct {
	Name        string         `json:"name"`
	ID          string         `json:"id"`
	TraceID     string         `json:"trace_id"`
	ParentID    string         `json:"parent_id"`
	Type        string         `json:"type"`
	Namespace   string         `json:"namespace"`
	Fault       bool           `json:"fault"`
	Error       bool           `json:"error"`
	Throttle    bool           `json:"throttle"`
	Annotations map[string]any `json:"annotations"`
	AWS         map[string]any `json:"aws"`
	HTTP        struct {
		Request struct {
			Method string `json:"method"`
			URL    string `json:"url"`
		} `json:"request"`
		Response struct {
			Status int `json:"status"`
		} `json:"response"`
	} `json:"http"`
	Cause struct {
		Exceptions []struct {
			Message string `json:"message"`
		} `json:"exceptions"`
	} `json:"cause"`
	Subsegments []segment `json:"subsegments"`
}

var xrayDaemon = daemon{documents: map[string][]segment{}}

func TestMain(m *testing.M) {
	time.Local = time.FixedZone("New York", -5*3600) // so that a time that is not in UTC shows
	if err := xrayDaemon.listen(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func (d *daemon) listen() error {
	d.arrived = sync.NewCond(&d.mu)
	conn, err := (&net.ListenConfig{}).ListenPacket(context.Background(), "udp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	d.tracer, err = telemetry.NewTracer(telemetry.TracerConfig{Stage: "test", DaemonAddress: conn.LocalAddr().String()})
	if err != nil {
		return err
	}
	go func() {
		packet := make([]byte, 64*1024)
		for {
			n, _, err := conn.ReadFrom(packet)
			if err != nil {
				return
			}
			_, document, _ := bytes.Cut(packet[:n], []byte("\n"))
			var s segment
			if err := json.Unmarshal(document, &s); err != nil {
				panic(err)
			}
			d.mu.Lock()
			d.documents[s.TraceID] = append(d.documents[s.TraceID], s)
			d.mu.Unlock()
			d.arrived.Broadcast()
		}
	}()
	return nil
}

// await returns the first document of the trace.
func (d *daemon) await(traceID string) segment {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.documents[traceID]) == 0 {
		d.arrived.Wait()
	}
	return d.documents[traceID][0]
}

func (d *daemon) count(traceID string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.documents[traceID])
}

const lambdaSegment = "53995c3f42cd8ad8"

// invocation is the context of a Lambda invocation in a trace of its own.
func invocation(ctx context.Context, sampled bool) (_ context.Context, traceID string) {
	traceID = xray.NewTraceID()
	decision := 0
	if sampled {
		decision = 1
	}
	header := fmt.Sprintf("Root=%s;Parent=%s;Sampled=%d;Lineage=1:abc:0", traceID, lambdaSegment, decision)
	return context.WithValue(ctx, "x-amzn-trace-id", header), traceID //nolint:staticcheck // the key is aws-lambda-go's
}

func lines(t *testing.T, log *bytes.Buffer) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(log.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%q is no JSON: %v", line, err)
		}
		at, err := time.Parse("2006-01-02T15:04:05.000Z", fmt.Sprint(m["time"]))
		if err != nil || time.Since(at) > time.Hour || time.Until(at) > time.Hour {
			t.Errorf("time is %v, want now in UTC: %v", m["time"], err)
		}
		delete(m, "time")
		all = append(all, m)
	}
	return all
}
