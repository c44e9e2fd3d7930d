package paper

import (
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// clockDocument is the simulator's time. In a request an absent field leaves things as they are.
type clockDocument struct {
	Now     *time.Time `json:"now,omitempty"`
	Running *bool      `json:"running,omitempty"`
}

func (s *Server) controlClock(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
	case http.MethodPost:
		var d clockDocument
		if err := decode(r, &d); err != nil {
			writeError(w, err)
			return
		}
		if d.Now == nil && d.Running == nil {
			writeError(w, refuse(http.StatusUnprocessableEntity, codeMalformed, "want now (RFC 3339), running (true or false) or both"))
			return
		}
		s.clock.set(d.Now, d.Running)
	default:
		writeError(w, refuse(http.StatusMethodNotAllowed, codeMalformed, "want GET or POST"))
		return
	}
	now, running := s.clock.now(), s.clock.isRunning()
	writeDocument(w, clockDocument{Now: &now, Running: &running})
}

func (s *Server) controlFaults(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
	case http.MethodDelete:
		s.faults.clear()
	case http.MethodPost:
		var f fault
		if err := decode(r, &f); err != nil {
			writeError(w, err)
			return
		}
		if err := f.check(s.serves); err != nil {
			writeError(w, err)
			return
		}
		s.faults.add(f)
	default:
		writeError(w, refuse(http.StatusMethodNotAllowed, codeMalformed, "want GET, POST or DELETE"))
		return
	}
	writeDocument(w, s.faults.list())
}

// decode reads a control document strictly: a misspelt fault that is ignored makes a test pass for nothing.
func decode(r *http.Request, to any) error {
	d := json.NewDecoder(io.LimitReader(r.Body, maxRequest))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return refuse(http.StatusUnprocessableEntity, codeMalformed, "request body: %v", err)
	}
	return nil
}
