package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
)

const (
	// floorBudget is for requests in a second with --data, against bare fdatasync: DESIGN chapter 11.
	floorBudget = 0.7
	// eventBytes is about what one event makes the store write before it is acknowledged.
	eventBytes = 600
	// floorTime is how long each floor is measured.
	floorTime = time.Second
)

// synced adds to a line of the endpoint with --data what the disk allows: bare synced writes one after the other, and the same
// clients at the least server that syncs.
func synced(ctx context.Context, r row, got loaded, dir string) (row, error) {
	bare, err := syncedWrites(dir, got.batch*eventBytes)
	if err != nil {
		return r, err
	}
	least, err := leastServer(ctx, dir, got.load)
	if err != nil {
		return r, err
	}
	requests := got.rate() / float64(got.batch)
	share := requests / bare
	r.Figure += fmt.Sprintf("; fdatasync alone %.0f requests/s, the least server %.0f", bare, least)
	r.Budget = fmt.Sprintf("≥ %.0f %% of fdatasync", floorBudget*100)
	r.Held = fmt.Sprintf("%.0f %%: %s (%.0f %% of the least server)", share*100, verdict(share >= floorBudget), requests/least*100)
	return r, nil
}

// syncedWrites appends size bytes and waits for the disk, again and again, and returns how often in a second.
func syncedWrites(dir string, size int) (float64, error) {
	f, err := os.Create(filepath.Join(dir, "floor"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	data := make([]byte, size)
	n, began := 0, time.Now()
	for ; time.Since(began) < floorTime; n++ {
		if _, err := f.Write(data); err != nil {
			return 0, err
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(began).Seconds(), nil
}

// measureStore commits as much as a request of ten events does, by so many writers, and compares with bare synced writes.
func measureStore() (_ []row, err error) {
	dir, err := os.MkdirTemp("", "alchemiser-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	store, err := state.Open(filepath.Join(dir, "data"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	table := state.NewTable[string](store, "bench")
	value := strings.Repeat("x", 10*eventBytes)
	var rows []row
	for _, writers := range []int{1, 8, 64} {
		bare, err := syncedWrites(dir, len(value))
		if err != nil {
			return nil, err
		}
		var all sync.WaitGroup
		var mu sync.Mutex
		var failures error
		commits, began := 0, time.Now()
		for w := range writers {
			all.Go(func() {
				n := 0
				var err error
				for ; err == nil && time.Since(began) < floorTime; n++ {
					err = table.Put(strconv.Itoa(w), value)
				}
				mu.Lock()
				defer mu.Unlock()
				commits, failures = commits+n, errors.Join(failures, err)
			})
		}
		all.Wait()
		if failures != nil {
			return nil, failures
		}
		rate := float64(commits) / time.Since(began).Seconds()
		share := rate / bare
		rows = append(rows, row{
			What:   fmt.Sprintf("the store alone: commits of %d bytes, %d at once", len(value), writers),
			Figure: fmt.Sprintf("%.0f commits/s; fdatasync alone %.0f", rate, bare),
			Budget: fmt.Sprintf("≥ %.0f %% of fdatasync", floorBudget*100),
			Held:   fmt.Sprintf("%.0f %%: %s", share*100, verdict(share >= floorBudget)),
		})
	}
	return rows, nil
}

// leastServer puts events for floorTime to a server that only appends each request to a file and answers when that is on
// disk, and returns how many requests it took in a second.
func leastServer(ctx context.Context, dir string, l load) (_ float64, err error) {
	f, err := os.Create(filepath.Join(dir, "least"))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	s := &least{answer: []byte(`{"FailedEntryCount":0,"Entries":[` + strings.TrimSuffix(strings.Repeat(`{"EventId":"x"},`, l.batch), ",") + `]}`), writes: make(chan write)}
	server := &http.Server{Handler: s, ReadHeaderTimeout: time.Second}
	var loops sync.WaitGroup
	loops.Go(func() { s.sync(f) })
	loops.Go(func() { _ = server.Serve(listener) }) // it ends when the server is closed
	defer func() {
		err = errors.Join(err, server.Close())
		close(s.writes)
		loops.Wait()
	}()
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: aws.String("http://" + listener.Addr().String()), Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	times, took, err := putAll(ctx, cfg, l, floorTime)
	return float64(len(times)) / took.Seconds(), err
}

// least answers PutEvents once the request is in a file and on disk. Requests that come during a sync share the next one.
type least struct {
	answer []byte
	writes chan write
}

type write struct {
	body []byte
	done chan error
}

func (s *least) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		done := make(chan error, 1)
		s.writes <- write{body, done}
		err = <-done
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_, _ = w.Write(s.answer) // a client that is gone counts for nothing
}

// sync writes what has come, with one sync for all of it, until writes is closed.
func (s *least) sync(f *os.File) {
	for first := range s.writes {
		together, text := []write{first}, bytes.NewBuffer(first.body)
		for more := true; more; {
			select {
			case next := <-s.writes:
				together = append(together, next)
				text.Write(next.body)
			default:
				more = false
			}
		}
		_, err := f.Write(text.Bytes())
		err = errors.Join(err, syscall.Fdatasync(int(f.Fd())))
		for _, w := range together {
			w.done <- err
		}
	}
}
