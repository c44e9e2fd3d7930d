package durability_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/the-alchemiser/alchemiser/internal/localaws"
)

// server is an endpoint in this process, on a disk that can lose what was not synced.
type server struct {
	cfg  aws.Config
	disk *vfs.MemFS
	stop context.CancelFunc
	done chan error
}

func serve(t *testing.T, disk *vfs.MemFS) *server {
	t.Helper()
	cfg, err := config()
	if err != nil {
		t.Fatal(err)
	}
	cfg.DataDir, cfg.Disk = "data", disk
	endpoint, err := localaws.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{cfg: clientOf(endpoint.URL()), disk: disk, done: make(chan error, 1)}
	var ctx context.Context
	ctx, s.stop = context.WithCancel(context.Background())
	go func() { s.done <- endpoint.Serve(ctx) }()
	return s
}

func (s *server) end(t *testing.T) {
	t.Helper()
	s.stop()
	if err := <-s.done; err != nil {
		t.Error(err)
	}
}

// cut takes the power: it returns the disk as it is at that moment, with an unforeseeable part of what was not synced. Only
// what was acknowledged before counts: the endpoint lives on a little in a world that has lost its power.
func (l *ledger) cut(s *server, random *rand.Rand) *vfs.MemFS {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	return s.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 50, 100}[random.IntN(3)], RNG: random})
}

func TestWhatWasAcknowledgedSurvivesPowerCuts(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 0))
			s := serve(t, vfs.NewCrashableMem())
			l := newLedger(t, s.cfg)
			cut := func() {
				disk := l.cut(s, random)
				s.end(t)
				s = serve(t, disk)
			}
			for n := range 3 {
				ctx, cancel := context.WithCancel(t.Context())
				load := l.load(ctx, s.cfg, fmt.Sprintf("%d-%d", seed, n), 1+random.IntN(300))
				disk := l.cut(s, random)
				cancel()
				load.Wait()
				s.end(t)
				s = serve(t, disk)
			}
			l.replay(t, s.cfg)
			l.replayed(t, s.cfg, 1+random.IntN(50))
			cut()
			defer s.end(t)
			l.check(t, s.cfg)
		})
	}
}
