package brokertest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/broker/alpaca"
	"github.com/the-alchemiser/alchemiser/internal/broker/brokertest"
	"github.com/the-alchemiser/alchemiser/internal/broker/paper"
)

// The cases run against the simulator, or against the paper account that ALPACA_KEY_ID and ALPACA_SECRET_KEY open
// while its market is open.
func TestConformance(t *testing.T) {
	if keyID := os.Getenv("ALPACA_KEY_ID"); keyID != "" {
		broker := client(t, "https://paper-api.alpaca.markets", "https://data.alpaca.markets", keyID, os.Getenv("ALPACA_SECRET_KEY"))
		brokertest.Run(t, func(*testing.T) brokertest.Harness {
			return brokertest.Harness{Broker: broker, Symbol: "F", Wait: func() { time.Sleep(time.Second) }}
		})
		return
	}
	for _, fills := range []paper.Fills{paper.FillsInstant, paper.FillsBook} {
		t.Run(string(fills), func(t *testing.T) {
			brokertest.Run(t, func(t *testing.T) brokertest.Harness {
				t.Helper()
				return simulator(t, fills)
			})
		})
	}
}

func simulator(t *testing.T, fills paper.Fills) brokertest.Harness {
	t.Helper()
	server, err := paper.New(paper.Config{
		Prices: paper.Seeded(1), Cash: decimal.NewFromInt(100_000), Fills: fills, SpreadBps: decimal.NewFromInt(2),
	})
	if err != nil {
		t.Fatal(err)
	}
	serving := httptest.NewServer(server)
	t.Cleanup(serving.Close)
	return brokertest.Harness{
		Broker: client(t, serving.URL, serving.URL, "key", "secret"), Symbol: "SPY", Wait: func() {},
		Inject: func(t *testing.T, f brokertest.Fault) {
			t.Helper()
			document := fmt.Sprintf(`{"route":"POST /v2/orders","kind":%q,"times":1}`, f)
			if f == brokertest.FaultServer || f == brokertest.FaultThrottle {
				document = fmt.Sprintf(`{"route":"POST /v2/orders","kind":"status","status":%s,"times":1}`, f)
			}
			resp, err := http.Post(serving.URL+"/_control/faults", "application/json", strings.NewReader(document))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Fatalf("inject %s: %s", f, resp.Status)
			}
		},
	}
}

func client(t *testing.T, base, data, keyID, secret string) *alpaca.Client {
	t.Helper()
	c, err := alpaca.New(alpaca.Config{
		BaseURL: base, DataURL: data,
		Credentials: func(context.Context) (string, string, error) { return keyID, secret, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
