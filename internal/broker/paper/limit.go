package paper

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// limiter counts the requests of each API key in each minute, as Alpaca does. Its zero limit is none.
type limiter struct {
	limit int

	mu     sync.Mutex
	minute int64
	used   map[string]int
}

// allow counts one request and writes the headers that say what is left.
func (l *limiter) allow(h http.Header, key string, now time.Time) bool {
	if l.limit == 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if minute := now.Unix() / 60; minute != l.minute || l.used == nil {
		l.minute, l.used = minute, map[string]int{}
	}
	allowed := l.used[key] < l.limit
	if allowed {
		l.used[key]++
	}
	h.Set("X-RateLimit-Limit", strconv.Itoa(l.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(l.limit-l.used[key]))
	h.Set("X-RateLimit-Reset", strconv.FormatInt((l.minute+1)*60, 10))
	return allowed
}
