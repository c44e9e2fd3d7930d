package logs

import (
	"cmp"
	"fmt"
	"slices"
)

// count notes what has come. A quarter of what may be kept is worth counting all that is there.
func (s *Service) count(events []InputEvent) {
	n := int64(0)
	for _, e := range events {
		n += int64(len(e.Message) + eventOverhead)
	}
	if s.ingested.Add(n) < s.cfg.MaxBytes/4 {
		return
	}
	select {
	case s.crowded <- struct{}{}:
	default: // it is awake
	}
}

// bound deletes the oldest lines of the largest groups until a tenth of what may be kept is free, if there are too many: an
// endpoint that runs for long, with functions that print a lot, would else grow without end.
func (s *Service) bound() error {
	s.ingested.Store(0)
	s.mu.RLock()
	groups := make([]group, 0, len(s.byName))
	for _, o := range s.byName {
		groups = append(groups, o.group)
	}
	s.mu.RUnlock()
	sizes := map[string]int64{}
	total := int64(0)
	for _, g := range groups {
		err := s.events.Scan(g.rows(), "", func(_ string, e event) bool {
			sizes[g.Name] += e.size()
			return true
		})
		if err != nil {
			return fmt.Errorf("count log events: %w", err)
		}
		total += sizes[g.Name]
	}
	if total <= s.cfg.MaxBytes {
		return nil
	}
	surplus := total - s.cfg.MaxBytes/10*9
	slices.SortFunc(groups, func(a, b group) int { return cmp.Compare(sizes[b.Name], sizes[a.Name]) })
	for _, g := range groups {
		err := s.dropEvents(g, func(e event) bool {
			if surplus <= 0 {
				return false
			}
			surplus -= e.size()
			return true
		})
		if err != nil {
			return fmt.Errorf("drop log events: %w", err)
		}
	}
	return nil
}

func (e event) size() int64 { return int64(len(e.Message) + eventOverhead) }
