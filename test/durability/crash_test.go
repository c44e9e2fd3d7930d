package durability_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
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
	endpoint, err := localaws.New(localaws.Config{DataDir: "data", Disk: disk, RetryScale: 0.01, Log: os.Stderr})
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

func TestAcknowledgedEventsSurvivePowerCuts(t *testing.T) {
	for seed := range uint64(16) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 0))
			l := &ledger{acked: map[string]bool{}}
			s := serve(t, vfs.NewCrashableMem())
			prepare(t, s.cfg)
			for cut := range 3 {
				ctx, cancel := context.WithCancel(t.Context())
				reached := l.more(1 + random.IntN(300))
				var load sync.WaitGroup
				for c := range clients {
					load.Go(func() { l.load(ctx, s.cfg, fmt.Sprintf("%d-%d-%d", seed, cut, c)) })
				}
				<-reached
				disk := l.cut(s, random)
				cancel()
				load.Wait()
				s.end(t)
				s = serve(t, disk)
			}
			defer s.end(t)
			l.check(t, s.cfg)
		})
	}
}
