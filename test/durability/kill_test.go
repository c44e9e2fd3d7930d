package durability_test

import (
	"bufio"
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// process is a running endpoint.
type process struct {
	cmd *exec.Cmd
	cfg aws.Config
}

// clientOf returns the configuration of a client of the endpoint at url.
func clientOf(url string) aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(url), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

func startEndpoint(t *testing.T, dir string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(self)}
	p.cmd.Env = append(os.Environ(), dataDir+"="+dir)
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() }) // it may be dead already
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the endpoint did not start: %v", err)
	}
	p.cfg = clientOf(strings.TrimSpace(url))
	return p
}

// kill ends the process as a power cut does, for the process: nothing of it runs any more.
func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait() // it was killed
}

// The endpoint is killed again and again under load, and while an archive is replayed; all that it acknowledged is there.
// DURABILITY_KILLS sets how often.
func TestWhatWasAcknowledgedSurvivesKills(t *testing.T) {
	kills := 5
	if s := os.Getenv("DURABILITY_KILLS"); s != "" {
		var err error
		if kills, err = strconv.Atoi(s); err != nil || kills < 1 {
			t.Fatalf("DURABILITY_KILLS=%s: want a number from 1", s)
		}
	}
	dir := filepath.Join(t.TempDir(), "data")
	p := startEndpoint(t, dir)
	l := newLedger(t, p.cfg)
	random := rand.New(rand.NewPCG(1, uint64(kills)))
	for kill := range kills {
		ctx, cancel := context.WithCancel(t.Context())
		load := l.load(ctx, p.cfg, strconv.Itoa(kill), 1+random.IntN(1500))
		p.kill(t)
		load.Wait()
		cancel()
		p = startEndpoint(t, dir)
	}
	l.replay(t, p.cfg)
	for range 2 {
		l.replayed(t, p.cfg, 1+random.IntN(200))
		p.kill(t)
		p = startEndpoint(t, dir)
	}
	defer p.kill(t)
	l.check(t, p.cfg)
}
