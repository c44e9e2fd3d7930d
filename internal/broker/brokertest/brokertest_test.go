package brokertest_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	api "github.com/alpacahq/alpaca-trade-api-go/v3/alpaca"
	"github.com/shopspring/decimal"

	"github.com/the-alchemiser/alchemiser/internal/broker/alpaca"
	"github.com/the-alchemiser/alchemiser/internal/broker/brokertest"
	"github.com/the-alchemiser/alchemiser/internal/broker/paper"
)

func TestConformance(t *testing.T) {
	for _, fills := range []paper.Fills{paper.FillsInstant, paper.FillsBook} {
		t.Run(string(fills), func(t *testing.T) {
			brokertest.Run(t, func(t *testing.T) brokertest.Harness {
				t.Helper()
				return simulator(t, fills)
			})
		})
	}
}

// The same cases run against the paper account that the environment names. docs/broker.md says how.
func TestConformanceOfAccount(t *testing.T) {
	url, keyID, secret := os.Getenv("ALPACA_CONFORMANCE_URL"), os.Getenv("ALPACA_CONFORMANCE_KEY_ID"), os.Getenv("ALPACA_CONFORMANCE_SECRET")
	if url == "" {
		t.Skip("SKIPPED: no real paper account is tested; set ALPACA_CONFORMANCE_URL, _KEY_ID and _SECRET to trade on one")
	}
	data, symbol := cmp.Or(os.Getenv("ALPACA_CONFORMANCE_DATA_URL"), "https://data.alpaca.markets"), cmp.Or(os.Getenv("ALPACA_CONFORMANCE_SYMBOL"), "F")
	broker := client(t, url, data, keyID, secret) // refuses the address that trades real money
	clock, err := broker.Clock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !clock.Open {
		t.Fatalf("it is %s and the market is closed: the cases trade, run them while it is open", clock.Now)
	}
	brokertest.Run(t, func(*testing.T) brokertest.Harness {
		return brokertest.Harness{
			Broker: broker, Symbol: symbol, Wait: func() { time.Sleep(time.Second) }, Replace: replacing(url, keyID, secret),
		}
	})
}

// replacing replaces orders by hand: past the adapter, which never does.
func replacing(url, keyID, secret string) func(*testing.T, string, decimal.Decimal) string {
	return func(t *testing.T, id string, limit decimal.Decimal) string {
		t.Helper()
		owner := api.NewClient(api.ClientOpts{BaseURL: url, APIKey: keyID, APISecret: secret})
		o, err := owner.ReplaceOrder(id, api.ReplaceOrderRequest{LimitPrice: &limit, TimeInForce: api.Day})
		if err != nil {
			t.Fatal(err)
		}
		return o.ID
	}
}

// control tells the simulator at url something.
func control(t *testing.T, url, document string) {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s", url, document, resp.Status)
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
			control(t, serving.URL+"/_control/faults", document)
		},
		Replace: replacing(serving.URL, "key", "secret"),
		Halt: func(t *testing.T, halted bool) {
			t.Helper()
			control(t, serving.URL+"/_control/symbols", fmt.Sprintf(`{"symbol":"SPY","halted":%t}`, halted))
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
