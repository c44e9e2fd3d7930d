package xray

import (
	"fmt"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
)

const (
	// retention is how long X-Ray keeps traces.
	retention = 30 * 24 * time.Hour
	// maxSegments bounds, with Config.MaxBytes, an endpoint that runs for long: beyond it the oldest traces go.
	maxSegments = 200_000
)

// held is how much is in the store. A segment that replaced its predecessor counts twice until all are counted again.
type held struct{ segments, bytes int }

func (h *held) add(bytes int) { h.segments, h.bytes = h.segments+1, h.bytes+bytes }

// crowded says whether the oldest must go.
func (s *Service) crowded(h held) bool { return h.segments > maxSegments || h.bytes > s.cfg.MaxBytes }

// expire deletes traces that are too old and, if there are too many, the oldest until a tenth of the room is free. Trace ids
// begin with their time, so the oldest come first.
func (s *Service) expire() error {
	oldest := fmt.Sprintf("1-%08x", time.Now().Add(-retention).Unix())
	s.mu.Lock()
	defer s.mu.Unlock()
	var all, surplus held
	if s.crowded(s.held) {
		if err := s.segments.Scan("", "", func(_ string, r record) bool { all.add(len(r.Document)); return true }); err != nil {
			return fmt.Errorf("count segments: %w", err)
		}
		if s.held = all; s.crowded(all) {
			surplus = held{all.segments - maxSegments*9/10, all.bytes - s.cfg.MaxBytes/10*9}
		}
	}
	var gone held
	var keys []string
	err := s.segments.Scan("", "", func(key string, r record) bool {
		if key >= oldest && gone.segments >= surplus.segments && gone.bytes >= surplus.bytes {
			return false
		}
		gone.add(len(r.Document))
		keys = append(keys, key)
		return true
	})
	if err != nil {
		return fmt.Errorf("expire segments: %w", err)
	}
	err = s.cfg.Store.Update(func(tx *state.Tx) error {
		for _, key := range keys {
			s.segments.DeleteTx(tx, key)
		}
		return nil
	})
	s.held = held{s.held.segments - gone.segments, s.held.bytes - gone.bytes}
	return err
}
