// Package durability_test takes the power from the endpoint while it works: what it acknowledged with --data must be there
// when it comes back.
package durability_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/the-alchemiser/alchemiser/internal/localaws"
	"github.com/the-alchemiser/alchemiser/internal/localaws/faults"
)

// dataDir, set, makes this program an endpoint that keeps its state there: the test kills processes of its own binary.
const dataDir = "DURABILITY_ENDPOINT_DATA"

func TestMain(m *testing.M) {
	if dir := os.Getenv(dataDir); dir != "" {
		if err := endpoint(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// config is that of an endpoint which lets some deliveries wait, as if a target were busy, and retries soon.
func config() (localaws.Config, error) {
	plan, err := faults.Parse([]byte(`{"rules":[{"fault":"delay","after":"300ms","probability":0.2}]}`))
	return localaws.Config{RetryScale: 0.01, Faults: plan, Log: os.Stderr}, err
}

func endpoint(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	cfg, err := config()
	if err != nil {
		return err
	}
	cfg.DataDir = dir
	server, err := localaws.New(cfg)
	if err != nil {
		return err
	}
	fmt.Println(server.URL())
	if err := server.Serve(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
