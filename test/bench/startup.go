package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const (
	startBudget = 20 * time.Millisecond
	zipBudget   = 8 << 20
)

// measureStartup measures each function's zip and the time from process start to its first poll of the Runtime API,
// beside the least function there can be.
func measureStartup(ctx context.Context, root string, starts int) (_ []row, err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	floor := filepath.Join(dir, "floor")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "lambda.norpc,grpcnotrace", "-ldflags", "-s -w -buildid=", "-o", floor, "./test/bench/floor")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if msg, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build floor: %w\n%s", err, msg)
	}
	least, err := firstPolls(ctx, floor, dir, starts)
	if err != nil {
		return nil, err
	}
	base := percentile(sorted(least), 50)
	rows := []row{{What: "process start to first poll: the least function there can be", Figure: "median " + ms(base), Budget: "floor"}}
	for _, name := range functions {
		built := filepath.Join(root, "build", runtime.GOARCH, name)
		polls, err := firstPolls(ctx, filepath.Join(built, "bootstrap"), root, starts)
		if err != nil {
			return nil, err
		}
		median := percentile(sorted(polls), 50)
		rows = append(rows, row{
			What:   "process start to first poll: " + name,
			Figure: fmt.Sprintf("median %s, slowest %s, %.1f × the floor", ms(median), ms(polls[len(polls)-1]), float64(median)/float64(base)),
			Budget: "median ≤ " + ms(startBudget),
			Held:   verdict(median <= startBudget),
		})
	}
	for _, name := range functions {
		info, err := os.Stat(filepath.Join(root, "build", runtime.GOARCH, name+".zip"))
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{
			What:   "zip: " + name,
			Figure: fmt.Sprintf("%.2f MB", float64(info.Size())/(1<<20)),
			Budget: "≤ 8 MB",
			Held:   verdict(info.Size() <= zipBudget),
		})
	}
	return rows, nil
}

// firstPolls starts the program and kills it when it asks for its first event, again and again. The first start, which
// reads the binary from disk, is not counted.
func firstPolls(ctx context.Context, program, dir string, starts int) ([]time.Duration, error) {
	polled := make(chan time.Time, 1)
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/invocation/next") {
			select {
			case polled <- time.Now():
			default:
			}
			<-r.Context().Done()
		}
	})}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }() // its one client is dead

	var times []time.Duration
	for i := range starts + 1 {
		cmd := exec.CommandContext(ctx, program)
		cmd.Env = functionEnvironment(listener.Addr().String(), dir)
		var said strings.Builder
		cmd.Stdout, cmd.Stderr = &said, &said
		began := time.Now()
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		select {
		case at := <-polled:
			if i > 0 {
				times = append(times, at.Sub(began))
			}
		case <-time.After(10 * time.Second):
			err = fmt.Errorf("%s asked for no event within 10 s", program)
		case <-ctx.Done():
			err = ctx.Err()
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, said.String())
		}
		for len(polled) > 0 {
			<-polled
		}
	}
	return times, nil
}

func functionEnvironment(runtimeAPI, taskRoot string) []string {
	return []string{
		"AWS_LAMBDA_RUNTIME_API=" + runtimeAPI, "AWS_LAMBDA_FUNCTION_NAME=bench", "AWS_LAMBDA_FUNCTION_VERSION=1",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "AWS_LAMBDA_LOG_GROUP_NAME=/bench", "AWS_LAMBDA_LOG_STREAM_NAME=bench",
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_XRAY_DAEMON_ADDRESS=127.0.0.1:2000", "LAMBDA_TASK_ROOT=" + taskRoot, "STAGE=bench", "MODE=live",
		"STATE__TABLE=bench", "EVENTBRIDGE__EVENT_BUS_NAME=bench", "BROKER__BASE_URL=http://127.0.0.1:1",
		"BROKER__DATA_URL=http://127.0.0.1:1", "BROKER__SECRET_ID=/bench", "BROKER__ALLOW_LIVE=false", "PORTFOLIO__CASH_RESERVE=0.01",
		"PORTFOLIO__MIN_TRADE=5", "PORTFOLIO__TOLERANCE=0.005", "EXECUTION__MAX_PLAN_AGE=30m", "EXECUTION__STEP_INTERVAL=1s",
		"DLQ__URL=http://127.0.0.1:1/0/bench", "NOTIFY__TOPIC_ARN=arn:aws:sns:us-east-1:000000000000:bench",
	}
}
