package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPaperUpServesUntilItIsStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, in := io.Pipe()
	cmd := newRootCommand()
	cmd.SetArgs([]string{"paper", "up", "--seed", "5", "--positions", "SPY=10,GE=2.5", "--cash", "5000"})
	cmd.SetOut(in)
	var said strings.Builder // written before the command ends, read afterwards
	cmd.SetErr(&said)
	done := make(chan error, 1)
	go func() { done <- cmd.ExecuteContext(ctx) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if !ok {
		t.Fatalf("the first line is %q", line)
	}
	r, err := http.NewRequest(http.MethodGet, url+"/v2/positions", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("APCA-API-KEY-ID", "key")
	r.Header.Set("APCA-API-SECRET-KEY", "secret")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || !strings.Contains(string(raw), `"qty":"2.5"`) {
		t.Errorf("positions: %s, %v", raw, err)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("ended with %v", err)
	}
	want := "20 symbols with prices of 750 sessions, 2023-03-03 to 2026-02-27; it is Monday 2026-03-02 15:45 EST; " +
		"the account has 5000 dollars in cash and 2 positions; fills are instant\n"
	if said.String() != want {
		t.Errorf("it says %q\nwant %q", said.String(), want)
	}
}

func TestPaperUpRefuses(t *testing.T) {
	taken := httptest.NewServer(nil)
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	bars := t.TempDir()
	if err := os.WriteFile(filepath.Join(bars, "SPY.csv"), []byte("date,close\n2026-02-26,100\n2026-02-27,cheap\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		args []string
		want string
		code int
	}{
		"a port that is taken":     {[]string{"--port", port}, "choose another with --port", 2},
		"bars that are malformed":  {[]string{"--bars", bars}, "SPY.csv:3: close \"cheap\"", 1},
		"bars that are not there":  {[]string{"--bars", filepath.Join(bars, "none")}, "no such file", 1},
		"bars and a seed":          {[]string{"--bars", bars, "--seed", "1"}, "none of the others can be", 1},
		"positions without prices": {[]string{"--positions", "NONE=1"}, "position NONE", 1},
		"positions misspelt":       {[]string{"--positions", "SPY:1"}, "SYMBOL=QUANTITY", 1},
		"another way to fill":      {[]string{"--fills", "never"}, "want instant or book", 1},
		"cash that is none":        {[]string{"--cash", "much"}, "US dollars", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cmd := newRootCommand()
			cmd.SetArgs(append([]string{"paper", "up"}, tt.args...))
			cmd.SetOut(io.Discard)
			err := cmd.ExecuteContext(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.want) || exitCode(err) != tt.code {
				t.Errorf("got %v, exit code %d; want %q, %d", err, exitCode(err), tt.want, tt.code)
			}
			if errors.Is(err, context.Canceled) {
				t.Error("it was served")
			}
		})
	}
}
