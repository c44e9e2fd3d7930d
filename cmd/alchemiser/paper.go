package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"github.com/the-alchemiser/alchemiser/internal/broker/paper"
	"github.com/the-alchemiser/alchemiser/internal/marketdata/csv"
)

func newPaperCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "paper", Short: "The paper broker: a simulator that serves Alpaca's API"}
	cmd.AddCommand(newPaperUpCommand(), newPaperBarsCommand())
	return cmd
}

// paperFlags are the flags of `paper up` as they are given.
type paperFlags struct {
	port      int
	bars      string
	seed      uint64
	cash      string
	positions string
	fills     string
	rateLimit int
	spread    string
}

func newPaperUpCommand() *cobra.Command {
	var f paperFlags
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Serve the paper broker in the foreground, on 127.0.0.1",
		Long: `Serve Alpaca's trading and market data API on 127.0.0.1, with one simulated account. It prints one line
"ready http://127.0.0.1:PORT" when it accepts requests, says on standard error what it trades and what time it is there, and
ends with SIGINT or SIGTERM. Any key and secret are accepted. A port that is taken is exit code 2.

Its clock stands at 15:45 in New York on the first full session after the last bar; /_control/clock moves it,
/_control/faults makes requests fail, /_control/symbols halts a symbol, /_control/reset starts over (docs/broker.md).`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := f.server()
			if err != nil {
				return err
			}
			return serve(cmd, f.port, server)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&f.port, "port", 0, "port to serve on; 0 is a free one")
	flags.StringVar(&f.bars, "bars", "", "folder of SYMBOL.csv with real prices; without it the market is simulated")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of the simulated market")
	flags.StringVar(&f.cash, "cash", "100000", "US dollars that the account starts with")
	flags.StringVar(&f.positions, "positions", "", "positions held from the start: SPY=10,GE=2.5")
	flags.StringVar(&f.fills, "fills", string(paper.FillsInstant), "instant: orders are filled at once; book: in parts, look by look")
	flags.IntVar(&f.rateLimit, "rate-limit", 0, "requests a minute and API key; 0 is no limit")
	flags.StringVar(&f.spread, "spread", "2", "distance of bid and ask from the last close, each, in basis points")
	cmd.MarkFlagsMutuallyExclusive("bars", "seed")
	return cmd
}

func (f paperFlags) server() (*paper.Server, error) {
	positions, err := parsePositions(f.positions)
	if err != nil {
		return nil, err
	}
	cash, err := decimal.NewFromString(f.cash)
	if err != nil {
		return nil, fmt.Errorf("--cash %q: want US dollars such as 100000", f.cash)
	}
	spread, err := decimal.NewFromString(f.spread)
	if err != nil {
		return nil, fmt.Errorf("--spread %q: want basis points such as 2", f.spread)
	}
	prices := paper.Seeded(f.seed)
	if f.bars != "" {
		if prices, err = csv.Open(f.bars); err != nil {
			return nil, err
		}
	}
	return paper.New(paper.Config{
		Prices: prices, Cash: cash, Positions: positions, Fills: paper.Fills(f.fills), RateLimit: f.rateLimit, SpreadBps: spread,
	})
}

// parsePositions reads SYM=QTY,SYM=QTY.
func parsePositions(s string) (map[string]decimal.Decimal, error) {
	out := map[string]decimal.Decimal{}
	for part := range strings.SplitSeq(s, ",") {
		if s == "" {
			break
		}
		symbol, quantity, ok := strings.Cut(strings.TrimSpace(part), "=")
		d, err := decimal.NewFromString(quantity)
		if _, twice := out[symbol]; !ok || err != nil || symbol == "" || twice {
			return nil, fmt.Errorf("--positions %q: want each symbol once as SYMBOL=QUANTITY, separated by commas", part)
		}
		out[symbol] = d
	}
	return out, nil
}

// serve serves h on 127.0.0.1 until the command's context ends. The ready line is the first on standard output.
func serve(cmd *cobra.Command, port int, h *paper.Server) error {
	ctx := cmd.Context()
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return &exitError{code: 2, err: fmt.Errorf("listen on port %d: %w; choose another with --port, or 0 for a free one", port, err)}
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	fmt.Fprintf(cmd.OutOrStdout(), "ready http://%s\n", listener.Addr())
	fmt.Fprintln(cmd.ErrOrStderr(), h.Summary())
	select {
	case err := <-done:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := server.Shutdown(stop); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}
