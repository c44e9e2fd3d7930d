package conn_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/broker/alpaca/conn"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// server answers the n-th request, from 1, and keeps the bodies that it got.
type server struct {
	answer func(n int, r *http.Request) (*http.Response, error)
	bodies []string
}

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	body := ""
	if r.Body != nil {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(raw)
	}
	s.bodies = append(s.bodies, body)
	return s.answer(len(s.bodies), r)
}

func answer(status int, body string, headers ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

func connect(t *testing.T, s *server) *conn.Conn {
	t.Helper()
	c, err := conn.New(conn.Config{
		Transport:   s,
		Credentials: func(context.Context) (string, string, error) { return "key", "secret", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// send makes one call and returns the body of its answer.
func send(ctx context.Context, t *testing.T, c *conn.Conn, method string) (string, error) {
	t.Helper()
	client, err := c.Client(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader("an order")
	}
	r, err := http.NewRequest(method, "http://broker/v2/orders", body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	return string(raw), err
}

type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
func (brokenBody) Close() error             { return nil }

func TestWhatIsSentAgain(t *testing.T) {
	dial := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	reset := &net.OpError{Op: "read", Err: errors.New("connection reset")}
	const sentOnce, sentTwice, sentSixTimes = 1, 2, 6
	tests := map[string]struct {
		method string
		first  func() (*http.Response, error)
		always bool
		sent   int
		want   fault.Code
	}{
		"throttled order":            {"POST", func() (*http.Response, error) { return answer(429, "{}"), nil }, false, sentTwice, ""},
		"order without a connection": {"POST", func() (*http.Response, error) { return nil, dial }, false, sentTwice, ""},
		"order on a broken line":     {"POST", func() (*http.Response, error) { return nil, reset }, false, sentOnce, fault.Ambiguous},
		"order with half an answer": {"POST", func() (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: brokenBody{}}, nil
		}, false, sentOnce, fault.Ambiguous},
		"order on a failing server":      {"POST", func() (*http.Response, error) { return answer(500, "{}"), nil }, false, sentOnce, fault.Ambiguous},
		"order behind a failing proxy":   {"POST", func() (*http.Response, error) { return answer(504, "<html>"), nil }, false, sentOnce, fault.Ambiguous},
		"order that is redirected":       {"POST", func() (*http.Response, error) { return answer(307, "", "Location", "http://other/"), nil }, false, sentOnce, fault.Internal},
		"refused order":                  {"POST", func() (*http.Response, error) { return answer(403, "{}"), nil }, false, sentOnce, fault.Invalid},
		"order with other keys":          {"POST", func() (*http.Response, error) { return answer(401, "{}"), nil }, false, sentOnce, fault.Internal},
		"read with other keys":           {"GET", func() (*http.Response, error) { return answer(401, "{}"), nil }, false, sentOnce, fault.Internal},
		"order that is always throttled": {"POST", func() (*http.Response, error) { return answer(429, "{}"), nil }, true, sentSixTimes, fault.Transient},
		"read on a broken line":          {"GET", func() (*http.Response, error) { return nil, reset }, false, sentTwice, ""},
		"read of half an answer": {"GET", func() (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: brokenBody{}}, nil
		}, false, sentTwice, ""},
		"read on a failing server":      {"GET", func() (*http.Response, error) { return answer(503, "{}"), nil }, false, sentTwice, ""},
		"read on a server that is down": {"GET", func() (*http.Response, error) { return answer(503, "{}"), nil }, true, sentSixTimes, fault.Transient},
		"read of what is not there":     {"GET", func() (*http.Response, error) { return answer(404, "{}"), nil }, false, sentOnce, fault.Invalid},
		"cancel on a broken line":       {"DELETE", func() (*http.Response, error) { return nil, reset }, false, sentTwice, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{answer: func(n int, _ *http.Request) (*http.Response, error) {
					if n == 1 || tt.always {
						return tt.first()
					}
					return answer(200, "done"), nil
				}}
				got, err := send(t.Context(), t, connect(t, s), tt.method)
				if fault.CodeOf(err) != tt.want || (err == nil && got != "done") {
					t.Errorf("got %q, %v; want code %q", got, err, tt.want)
				}
				if len(s.bodies) != tt.sent {
					t.Errorf("sent %d times, want %d", len(s.bodies), tt.sent)
				}
				for i, body := range s.bodies {
					if tt.method == http.MethodPost && body != "an order" {
						t.Errorf("request %d has the body %q", i+1, body)
					}
				}
			})
		})
	}
}

func TestWaitsAsLongAsTheServerAsks(t *testing.T) {
	in := func(d time.Duration) string { return strconv.FormatInt(time.Now().Add(d).Unix(), 10) }
	tests := map[string]struct {
		header func() []string
		want   time.Duration
	}{
		"in seconds": {func() []string { return []string{"Retry-After", "7"} }, 7 * time.Second},
		"until a date": {func() []string {
			return []string{"Retry-After", time.Now().Add(9 * time.Second).UTC().Format(http.TimeFormat)}
		}, 9 * time.Second},
		"until a reset":  {func() []string { return []string{"X-RateLimit-Reset", in(30 * time.Second)} }, 30 * time.Second},
		"the first wins": {func() []string { return []string{"Retry-After", "2", "X-RateLimit-Reset", in(30 * time.Second)} }, 2 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				s := &server{answer: func(n int, _ *http.Request) (*http.Response, error) {
					if n == 1 {
						return answer(429, "{}", tt.header()...), nil
					}
					return answer(200, "done"), nil
				}}
				if _, err := send(t.Context(), t, connect(t, s), http.MethodPost); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took != tt.want {
					t.Errorf("waited %s, want %s", took, tt.want)
				}
			})
		})
	}
}

func TestDoesNotWaitPastTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(int, *http.Request) (*http.Response, error) { return answer(429, "{}", "Retry-After", "60"), nil }}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		_, err := send(ctx, t, connect(t, s), http.MethodPost)
		if fault.CodeOf(err) != fault.Transient || time.Since(start) != 0 || len(s.bodies) != 1 {
			t.Errorf("got %v after %s and %d requests", err, time.Since(start), len(s.bodies))
		}
	})
}

func TestKeepsToTheRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(int, *http.Request) (*http.Response, error) {
			return answer(200, "done", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(20*time.Second).Unix(), 10)), nil
		}}
		c := connect(t, s)
		start := time.Now()
		for range 3 {
			if _, err := send(t.Context(), t, c, http.MethodGet); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != 40*time.Second {
			t.Errorf("three requests took %s, want 40s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := send(ctx, t, c, http.MethodPost); fault.CodeOf(err) != fault.Transient || len(s.bodies) != 3 {
			t.Errorf("got %v after %d requests", err, len(s.bodies))
		}
	})
}

func TestLostAttemptDoesNotCostTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		s.answer = func(n int, r *http.Request) (*http.Response, error) {
			if n == 1 {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return answer(200, "done"), nil
		}
		start := time.Now()
		if _, err := send(t.Context(), t, connect(t, s), http.MethodGet); err != nil || time.Since(start) > 11*time.Second {
			t.Errorf("got %v after %s", err, time.Since(start))
		}
	})
}

// An order of which nothing is heard may have arrived, whoever ended the wait; a read may be made again later.
func TestOrderWithoutAnAnswerIsAmbiguous(t *testing.T) {
	tests := map[string]struct {
		method string
		after  time.Duration // until the caller gives up
		took   time.Duration
		sent   int
		want   fault.Code
	}{
		"order, patient caller": {http.MethodPost, time.Hour, 10 * time.Second, 1, fault.Ambiguous},
		"order, hasty caller":   {http.MethodPost, time.Second, time.Second, 1, fault.Ambiguous},
		"read, hasty caller":    {http.MethodGet, time.Second, time.Second, 1, fault.Transient},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{answer: func(_ int, r *http.Request) (*http.Response, error) {
					<-r.Context().Done()
					return nil, r.Context().Err()
				}}
				ctx, cancel := context.WithTimeout(t.Context(), tt.after)
				defer cancel()
				start := time.Now()
				_, err := send(ctx, t, connect(t, s), tt.method)
				if took := time.Since(start); fault.CodeOf(err) != tt.want || took != tt.took || len(s.bodies) != tt.sent {
					t.Errorf("got %v after %s and %d requests; want %s after %s and %d", err, took, len(s.bodies), tt.want, tt.took, tt.sent)
				}
			})
		})
	}
}

// An order that waits for the rate limit has not been sent when its caller gives up.
func TestOrderThatWaitsForTheRateLimitIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(int, *http.Request) (*http.Response, error) {
			return answer(200, "done", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(20*time.Second).Unix(), 10)), nil
		}}
		c := connect(t, s)
		if _, err := send(t.Context(), t, c, http.MethodGet); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, cancel)
		if _, err := send(ctx, t, c, http.MethodPost); fault.CodeOf(err) != fault.Transient || len(s.bodies) != 1 {
			t.Errorf("got %q: %v after %d requests", fault.CodeOf(err), err, len(s.bodies))
		}
	})
}

func TestKeysAreOursAlone(t *testing.T) {
	s := &server{answer: func(_ int, r *http.Request) (*http.Response, error) {
		return answer(200, r.Header.Get("APCA-API-KEY-ID")+" "+r.Header.Get("APCA-API-SECRET-KEY")+r.Header.Get("Authorization")), nil
	}}
	client, err := connect(t, s).Client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodGet, "http://broker/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer from the environment")
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if raw, err := io.ReadAll(resp.Body); string(raw) != "key secret" || err != nil {
		t.Errorf("sent %q, %v", raw, err)
	}
}

func TestRefusalNamesRequestAndReason(t *testing.T) {
	s := &server{answer: func(int, *http.Request) (*http.Response, error) {
		return answer(422, `{"code":40010001,"message":"client_order_id must be unique"}`), nil
	}}
	_, err := send(t.Context(), t, connect(t, s), http.MethodPost)
	var status *conn.StatusError
	if !errors.As(err, &status) || status.Code != 40010001 || status.Status != 422 || !strings.Contains(err.Error(), "POST /v2/orders: client_order_id must be unique") {
		t.Errorf("got %v", err)
	}
}

func TestMissingCredentials(t *testing.T) {
	want := errors.New("parameter not found")
	c, err := conn.New(conn.Config{Credentials: func(context.Context) (string, string, error) { return "", "", want }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Client(t.Context()); !errors.Is(err, want) {
		t.Errorf("got %v", err)
	}
	if _, err := conn.New(conn.Config{}); err == nil {
		t.Error("no credentials are accepted")
	}
}

func TestParseBase(t *testing.T) {
	tests := map[string]struct {
		venue conn.Venue
		base  string
	}{
		"https://api.alpaca.markets":           {conn.VenueLive, "https://api.alpaca.markets"},
		"https://API.Alpaca.Markets./":         {conn.VenueLive, "https://API.Alpaca.Markets."},
		"https://paper-api.alpaca.markets/":    {conn.VenuePaper, "https://paper-api.alpaca.markets"},
		"https://data.alpaca.markets":          {conn.VenuePaper, "https://data.alpaca.markets"},
		"http://127.0.0.1:4000":                {conn.VenueSimulated, "http://127.0.0.1:4000"},
		"http://notalpaca.markets":             {conn.VenueSimulated, "http://notalpaca.markets"},
		"https://api.alpaca.markets/v2":        {},
		"http://paper-api.alpaca.markets":      {},
		"https://broker-api.alpaca.markets":    {},
		"https://x@paper-api.alpaca.markets":   {},
		"paper-api.alpaca.markets":             {},
		"":                                     {},
		"https://paper-api.alpaca.markets?a=b": {},
	}
	for raw, want := range tests {
		t.Run(fmt.Sprintf("%q", raw), func(t *testing.T) {
			base, venue, err := conn.ParseBase(raw)
			if venue != want.venue || base != want.base || (err == nil) != (want.venue != "") {
				t.Errorf("got %q, %q, %v; want %q, %q", base, venue, err, want.base, want.venue)
			}
		})
	}
}
