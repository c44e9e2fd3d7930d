package xray

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// listen opens one port of 127.0.0.1 for UDP and TCP: the daemon has both under one address.
func (s *Service) listen() error {
	var err error
	for range 20 { // the UDP side of a free TCP port may be taken
		if s.tcp, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return err
		}
		if s.udp, err = net.ListenPacket("udp", s.tcp.Addr().String()); err == nil {
			if udp, ok := s.udp.(*net.UDPConn); ok {
				_ = udp.SetReadBuffer(4 << 20) // for bursts; the system may give less
			}
			return nil
		}
		err = errors.Join(err, s.tcp.Close())
	}
	return err
}

// Run receives segments until ctx ends. It returns an error if the store fails.
func (s *Service) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	server := &http.Server{Handler: http.HandlerFunc(s.serveSampling), ReadHeaderTimeout: time.Minute}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(s.tcp) }) // ends with Close below
	running.Go(s.receive)
	running.Go(func() { cancel(s.store(ctx)) })
	<-ctx.Done()
	close(s.closed)
	err := errors.Join(server.Close(), s.udp.Close())
	running.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	return err
}

// receive reads datagrams until the port is closed. What is not a segment is dropped, as the daemon does.
func (s *Service) receive() {
	buffer := make([]byte, 64<<10)
	for {
		n, _, err := s.udp.ReadFrom(buffer)
		if err != nil {
			return
		}
		doc, err := decodeDatagram(buffer[:n])
		if err != nil {
			continue
		}
		select {
		case s.incoming <- doc:
		case <-s.closed:
			return
		}
	}
}

// decodeDatagram reads what an SDK sends to the daemon: a header line and a document.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-daemon
func decodeDatagram(packet []byte) (document, error) {
	head, body, ok := bytes.Cut(packet, []byte("\n"))
	if !ok {
		return document{}, errors.New("datagram has no header line")
	}
	var header struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(head, &header); err != nil {
		return document{}, fmt.Errorf("header of datagram: %w", err)
	}
	if header.Format != "json" || header.Version != 1 {
		return document{}, fmt.Errorf("header of datagram names format %q, version %d", header.Format, header.Version)
	}
	return decode(bytes.TrimSpace(body))
}

// store writes incoming segments, as many at once as there are, and forgets old ones, until ctx ends.
func (s *Service) store(ctx context.Context) error {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case doc := <-s.incoming:
			docs := []document{doc}
			for len(s.incoming) > 0 && len(docs) < 512 {
				docs = append(docs, <-s.incoming)
			}
			if err := s.put(docs); err != nil {
				return err
			}
		case <-tick.C:
			if err := s.expire(); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// put writes documents. One with the same id replaces its predecessor: that is how a segment is completed.
func (s *Service) put(docs []document) error {
	err := s.cfg.Store.Update(func(tx *state.Tx) error {
		for _, d := range docs {
			s.segments.PutTx(tx, d.TraceID+"/"+d.ID, record{d.raw})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store segments: %w", err)
	}
	s.mu.Lock()
	s.count += len(docs)
	s.mu.Unlock()
	return nil
}

const (
	// retention is how long X-Ray keeps traces.
	retention = 30 * 24 * time.Hour
	// maxSegments bounds the memory of an endpoint that runs for long: beyond it the oldest traces go.
	maxSegments = 200_000
)

// expire deletes traces that are too old, or too many. Trace ids begin with their time, so the oldest come first.
func (s *Service) expire() error {
	oldest := fmt.Sprintf("1-%08x", time.Now().Add(-retention).Unix())
	s.mu.Lock()
	defer s.mu.Unlock()
	surplus := 0
	if s.count > maxSegments {
		surplus = s.count - maxSegments*9/10
	}
	var keys []string
	total := 0
	err := s.segments.Scan("", "", func(key string, _ record) bool {
		total++
		if len(keys) < surplus || key < oldest {
			keys = append(keys, key)
			return true
		}
		return surplus > 0 // then all are counted, exactly
	})
	if err != nil {
		return fmt.Errorf("expire segments: %w", err)
	}
	if surplus > 0 {
		s.count = total
	}
	err = s.cfg.Store.Update(func(tx *state.Tx) error {
		for _, key := range keys {
			s.segments.DeleteTx(tx, key)
		}
		return nil
	})
	s.count -= len(keys)
	return err
}

// serveSampling is the daemon's TCP side: it answers for X-Ray what SDKs ask about sampling.
func (s *Service) serveSampling(w http.ResponseWriter, r *http.Request) {
	var answer any
	var err error
	switch r.URL.Path {
	case "/GetSamplingRules":
		answer, err = s.getSamplingRules(r.Context(), wire.Empty{})
	case "/SamplingTargets":
		var in samplingTargetsInput
		if err = json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in); err == nil {
			answer, err = s.getSamplingTargets(r.Context(), in)
		}
	default:
		http.NotFound(w, r)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // an SDK that hangs up asks again
}
