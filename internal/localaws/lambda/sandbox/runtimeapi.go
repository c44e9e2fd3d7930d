package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// kind is what a process tells through the Runtime API.
type kind int

const (
	polled kind = iota + 1 // asks for the next invocation: it is idle
	responded
	failed
	initFailed
)

type event struct {
	kind      kind
	body      []byte
	errorType string
	cause     []byte
}

// delivery is an invocation on its way to the process.
type delivery struct {
	Invocation
	deadline time.Time
}

// runtimeAPI is the HTTP side of one environment.
type runtimeAPI struct {
	mux    *http.ServeMux
	events chan event
	next   chan delivery
	closed chan struct{}
	// current is the request id that may be answered.
	current atomic.Pointer[string]
}

const prefix = "/2018-06-01/runtime/"

func newRuntimeAPI() *runtimeAPI {
	a := &runtimeAPI{
		mux: http.NewServeMux(), events: make(chan event), next: make(chan delivery), closed: make(chan struct{}),
	}
	a.mux.HandleFunc("GET "+prefix+"invocation/next", a.serveNext)
	a.mux.HandleFunc("POST "+prefix+"invocation/{id}/response", a.answer(responded))
	a.mux.HandleFunc("POST "+prefix+"invocation/{id}/error", a.answer(failed))
	a.mux.HandleFunc("POST "+prefix+"init/error", a.serveInitError)
	return a
}

// ServeHTTP implements http.Handler.
func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

func (a *runtimeAPI) serveNext(w http.ResponseWriter, r *http.Request) {
	if !a.tell(r, event{kind: polled}) {
		return
	}
	select {
	case d := <-a.next:
		a.current.Store(&d.RequestID)
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", d.RequestID)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(d.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", d.FunctionARN)
		if d.TraceHeader != "" {
			h.Set("Lambda-Runtime-Trace-Id", d.TraceHeader)
		}
		_, _ = w.Write(d.Payload) // a process that does not read it is seen to exit or time out
	case <-a.closed:
	case <-r.Context().Done():
	}
}

func (a *runtimeAPI) answer(k kind) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := a.current.Load()
		if id == nil || *id != r.PathValue("id") {
			refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
			return
		}
		ev := event{kind: k, errorType: r.Header.Get("Lambda-Runtime-Function-Error-Type")}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxResponse))
		var tooLarge *http.MaxBytesError
		switch {
		case errors.As(err, &tooLarge):
			ev = event{kind: failed, errorType: "Function.ResponseSizeTooLarge"}
			body = ErrorDocument(ev.errorType, fmt.Sprintf(
				"Response payload size exceeded maximum allowed payload size (%d bytes).", MaxResponse))
		case err != nil:
			return // the process ended while it answered; its exit is seen
		}
		ev.body = body
		if t := r.Trailer.Get("Lambda-Runtime-Function-Error-Type"); t != "" { // the response stream failed midway
			ev.kind, ev.errorType = failed, t
			if doc, err := base64.StdEncoding.DecodeString(r.Trailer.Get("Lambda-Runtime-Function-Error-Body")); err == nil {
				ev.body = doc
			}
		}
		if ev.kind == failed {
			ev.cause = []byte(r.Header.Get("Lambda-Runtime-Function-Xray-Error-Cause"))
			if ev.errorType == "" {
				ev.errorType = errorTypeOf(ev.body)
			}
		}
		a.current.Store(nil)
		if !a.tell(r, ev) {
			return
		}
		if tooLarge != nil {
			refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "Exceeded maximum allowed payload size")
			return
		}
		accept(w)
	}
}

func (a *runtimeAPI) serveInitError(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxResponse))
	if err != nil {
		return // the process ended while it reported; its exit is seen
	}
	ev := event{kind: initFailed, body: body, errorType: r.Header.Get("Lambda-Runtime-Function-Error-Type")}
	if ev.errorType == "" {
		ev.errorType = errorTypeOf(body)
	}
	if a.tell(r, ev) {
		accept(w)
	}
}

// tell hands ev to whoever follows the environment; false means that the process or the environment has ended.
func (a *runtimeAPI) tell(r *http.Request, ev event) bool {
	select {
	case a.events <- ev:
		return true
	case <-a.closed:
	case <-r.Context().Done():
	}
	return false
}

func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func refuse(w http.ResponseWriter, status int, errorType, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(ErrorDocument(errorType, message))
}

// errorTypeOf reads the error type from an error document; "Unhandled" if it has none.
func errorTypeOf(doc []byte) string {
	var d struct {
		Type string `json:"errorType"`
	}
	if err := json.Unmarshal(doc, &d); err != nil || d.Type == "" {
		return "Unhandled"
	}
	return d.Type
}
