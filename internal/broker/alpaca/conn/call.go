package conn

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// StatusError is a response outside 2xx.
type StatusError struct {
	Method string
	Path   string
	Status int
	// Code and Message are Alpaca's; Code is 0 if the body is not Alpaca's error document.
	Code    int
	Message string
}

// Error names the request and the server's reason.
func (e *StatusError) Error() string {
	return fmt.Sprintf("%s %s: %s (HTTP %d, code %d)", e.Method, e.Path, e.Message, e.Status, e.Code)
}

// call is the transport of one call of the official client. It is the one place where a context may be kept: the
// official client makes its requests without one.
type call struct {
	conn   *Conn
	ctx    context.Context
	keyID  string
	secret string
}

// RoundTrip sends req until there is an answer that stands. Beyond http.RoundTripper's contract it returns an error for
// every status outside 2xx, as the official client turns only some bodies into typed errors.
func (c *call) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, fmt.Errorf("read request: %w", err)
		}
		req.Body.Close()
	}
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = firstWait, maxWait
	var last error
	resp, err := backoff.Retry(c.ctx, func() (*http.Response, error) {
		resp, err := c.attempt(req, body)
		last = err
		return resp, err
	}, backoff.WithBackOff(wait), backoff.WithMaxTries(tries), backoff.WithMaxElapsedTime(0))
	switch {
	case err == nil:
		return resp, nil
	case c.ctx.Err() != nil && last != nil && !errors.Is(last, err):
		return nil, fault.New(fault.CodeOf(last), "%w; last answer: %w", err, last) // the wait was cut short
	default:
		return nil, err
	}
}

// attempt sends the request once. An error that is not to be tried again is backoff's Permanent.
func (c *call) attempt(req *http.Request, body []byte) (*http.Response, error) {
	if err := c.conn.pace(c.ctx, req.URL.Host); err != nil {
		return nil, backoff.Permanent(err)
	}
	ctx, cancel := context.WithTimeout(c.ctx, attemptTimeout)
	defer cancel()
	out := req.Clone(ctx)
	out.Header.Del("Authorization") // the official client takes an OAuth token from the environment
	out.Header.Set("APCA-API-KEY-ID", c.keyID)
	out.Header.Set("APCA-API-SECRET-KEY", c.secret)
	out.Body, out.GetBody = nil, nil
	if body != nil {
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		out.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.conn.cfg.Transport.RoundTrip(out)
	if err != nil {
		return nil, c.broken(req, err)
	}
	defer resp.Body.Close()
	// Reading here lets a response that breaks off be retried, or be ambiguous, like any other broken connection.
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err == nil && len(raw) > maxBody {
		err = fmt.Errorf("response of more than %d bytes", maxBody)
	}
	if err != nil {
		return nil, c.broken(req, err)
	}
	c.conn.note(req.URL.Host, resp.Header)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, c.refused(req, resp, raw)
	}
	resp.Body = io.NopCloser(bytes.NewReader(raw))
	return resp, nil
}

// broken decides what a request without a complete answer asks for.
func (c *call) broken(req *http.Request, err error) error {
	err = fmt.Errorf("%s %s: %w", req.Method, req.URL.Path, err)
	var op *net.OpError
	neverLeft := errors.As(err, &op) && op.Op == "dial"
	switch {
	case req.Method == http.MethodPost && !neverLeft:
		return backoff.Permanent(fault.As(fault.Ambiguous, err))
	case c.ctx.Err() != nil:
		return backoff.Permanent(fault.As(fault.Transient, err))
	default:
		return fault.As(fault.Transient, err)
	}
}

// refused decides what a status outside 2xx asks for.
func (c *call) refused(req *http.Request, resp *http.Response, raw []byte) error {
	status := &StatusError{Method: req.Method, Path: req.URL.Path, Status: resp.StatusCode}
	var document struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(raw, &document) == nil && document.Message != "" {
		status.Code, status.Message = document.Code, document.Message
	} else {
		status.Message = http.StatusText(resp.StatusCode)
	}
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		after, ok := retryAfter(resp.Header, time.Now())
		if !ok {
			return fault.As(fault.Transient, status)
		}
		err := fault.New(fault.Transient, "%w: %w", status, &backoff.RetryAfterError{Duration: max(after, firstWait)})
		if deadline, ok := c.ctx.Deadline(); ok && time.Until(deadline) < after {
			return backoff.Permanent(err)
		}
		return err
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusRequestTimeout:
		if req.Method == http.MethodPost {
			return backoff.Permanent(fault.As(fault.Ambiguous, status))
		}
		return fault.As(fault.Transient, status)
	case resp.StatusCode == http.StatusUnauthorized:
		// That is about the keys, not the request: changed keys come into use at a later attempt.
		return backoff.Permanent(fault.As(fault.Internal, status))
	case resp.StatusCode >= 400:
		return backoff.Permanent(fault.As(fault.Invalid, status))
	default:
		return backoff.Permanent(fault.As(fault.Internal, status))
	}
}

// pace waits until host's rate limit has room again. If that is after ctx's deadline it returns at once.
func (c *Conn) pace(ctx context.Context, host string) error {
	c.mu.Lock()
	until := c.closed[host]
	c.mu.Unlock()
	wait := time.Until(until)
	if wait <= 0 {
		return ctx.Err()
	}
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
		return fault.New(fault.Transient, "rate limit of %s is used up until %s, after the deadline", host, until.UTC().Format(time.RFC3339))
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// note remembers what the server says about its rate limit.
func (c *Conn) note(host string, h http.Header) {
	remaining, err := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	if err != nil || remaining > 0 {
		return
	}
	if reset, ok := resetTime(h); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.closed[host] = reset
	}
}

func resetTime(h http.Header) (time.Time, bool) {
	unix, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	return time.Unix(unix, 0), err == nil && unix > 0
}

// retryAfter returns how long the server asks to wait: Retry-After in seconds or as a date (RFC 9110, section 10.2.3),
// else the reset of the rate limit.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	if s := h.Get("Retry-After"); s != "" {
		if seconds, err := strconv.Atoi(s); err == nil && seconds >= 0 {
			return time.Duration(seconds) * time.Second, true
		}
		if at, err := http.ParseTime(s); err == nil {
			return max(0, at.Sub(now)), true
		}
	}
	if reset, ok := resetTime(h); ok {
		return max(0, reset.Sub(now)), true
	}
	return 0, false
}
