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

func endpoint(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	server, err := localaws.New(localaws.Config{DataDir: dir, RetryScale: 0.01, Log: os.Stderr})
	if err != nil {
		return err
	}
	fmt.Println(server.URL())
	if err := server.Serve(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
