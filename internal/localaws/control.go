package localaws

import (
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/faults"
	"github.com/the-alchemiser/alchemiser/internal/localaws/sns"
)

// control serves what AWS has no API for: what exists, what SNS has mailed, who used which permission, what time it is, and
// what fails on purpose.
func (s *Server) control(w http.ResponseWriter, r *http.Request, name string) {
	switch {
	case name == "inventory" && r.Method == http.MethodGet:
		arns, err := s.services.inventory()
		if err != nil {
			s.logger.Printf("inventory: %v", err)
			http.Error(w, "inventory: "+err.Error(), http.StatusInternalServerError)
			return
		}
		s.answer(w, map[string][]string{"resources": arns})
	case name == "outbox" && r.Method == http.MethodGet:
		mails, err := s.services.sns.Outbox()
		if err != nil {
			s.logger.Printf("outbox: %v", err)
			http.Error(w, "outbox: "+err.Error(), http.StatusInternalServerError)
			return
		}
		s.answer(w, map[string][]sns.Mail{"mails": mails})
	case name == "permissions" && r.Method == http.MethodGet:
		report, err := s.services.access.Report()
		if err != nil {
			s.logger.Printf("permissions: %v", err)
			http.Error(w, "permissions: "+err.Error(), http.StatusInternalServerError)
			return
		}
		s.answer(w, report)
	case name == "clock" && r.Method == http.MethodGet:
		s.answer(w, clockState{s.clock.Now().UTC()})
	case name == "clock" && r.Method == http.MethodPost:
		var to clockState
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&to); err != nil || to.Now.IsZero() {
			http.Error(w, `clock: want {"now": "2026-03-02T20:45:00Z"}`, http.StatusBadRequest)
			return
		}
		s.clock.Set(to.Now)
		s.answer(w, clockState{s.clock.Now().UTC()})
	case name == "faults" && r.Method == http.MethodGet:
		s.answer(w, map[string][]faults.Count{"rules": s.faults.Counts()})
	case name == "faults" && r.Method == http.MethodPost:
		text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "faults: "+err.Error(), http.StatusBadRequest)
			return
		}
		plan, err := faults.Parse(text)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.faults.Set(plan)
		s.answer(w, map[string][]faults.Count{"rules": s.faults.Counts()})
	default:
		http.Error(w, "want GET or POST faults, GET or POST clock, GET inventory, GET permissions or GET outbox", http.StatusNotFound)
	}
}

type clockState struct {
	Now time.Time `json:"now"`
}

func (s *Server) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.logger.Printf("control: %v", err)
	}
}
