package xray

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// daemon is X-Ray's daemon as the SDKs see it: it takes their segments and asks X-Ray about sampling for them, with the
// permissions of whom it belongs to.
type daemon struct {
	service *Service
	owner   string
	udp     net.PacketConn
	tcp     net.Listener
	server  *http.Server
	running sync.WaitGroup
}

// newDaemon opens one port of 127.0.0.1 for UDP and TCP: the daemon has both under one address.
func (s *Service) newDaemon(owner string) (*daemon, error) {
	d := &daemon{service: s, owner: owner}
	d.server = &http.Server{Handler: http.HandlerFunc(d.serveSampling), ReadHeaderTimeout: time.Minute}
	var err error
	for range 20 { // the UDP side of a free TCP port may be taken
		if d.tcp, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return nil, err
		}
		if d.udp, err = net.ListenPacket("udp", d.tcp.Addr().String()); err == nil {
			if udp, ok := d.udp.(*net.UDPConn); ok {
				_ = udp.SetReadBuffer(4 << 20) // for bursts; the system may give less
			}
			return d, nil
		}
		err = errors.Join(err, d.tcp.Close())
	}
	return nil, err
}

func (d *daemon) start() {
	d.running.Go(func() { _ = d.server.Serve(d.tcp) }) // ends with close
	d.running.Go(d.receive)
}

func (d *daemon) close() error {
	err := errors.Join(d.server.Close(), d.udp.Close()) // the server closes its listener
	d.running.Wait()
	return err
}

// Run receives segments until ctx ends. It returns an error if the store fails.
func (s *Service) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.mu.Lock()
	s.serving = true
	for _, d := range s.daemons {
		d.start()
	}
	s.mu.Unlock()
	var running sync.WaitGroup
	running.Go(func() { cancel(s.store(ctx)) })
	<-ctx.Done()
	close(s.closed)
	running.Wait()
	var err error
	s.mu.Lock()
	s.serving = false
	daemons := slices.Collect(maps.Values(s.daemons))
	s.mu.Unlock()
	for _, d := range daemons {
		err = errors.Join(err, d.close())
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	return err
}

// receive reads datagrams until the port is closed. What is not a segment, or not allowed, is dropped, as the daemon does.
func (d *daemon) receive() {
	buffer := make([]byte, 64<<10)
	for {
		n, _, err := d.udp.ReadFrom(buffer)
		if err != nil {
			return
		}
		doc, err := decodeDatagram(buffer[:n])
		if err != nil || !d.may("PutTraceSegments") {
			continue
		}
		// The daemon reports on itself besides: https://docs.aws.amazon.com/xray/latest/api/API_PutTelemetryRecords.html
		d.may("PutTelemetryRecords")
		select {
		case d.service.incoming <- doc:
		case <-d.service.closed:
			return
		}
	}
}

// may says whether the daemon's owner is allowed an operation of X-Ray.
func (d *daemon) may(operation string) bool {
	return d.service.cfg.May == nil || d.service.cfg.May(d.owner, "xray:"+operation)
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
	for _, d := range docs {
		s.held.add(len(d.raw))
	}
	crowded := s.crowded(s.held)
	s.mu.Unlock()
	if crowded {
		return s.expire()
	}
	return nil
}

// serveSampling is the daemon's TCP side: it answers for X-Ray what SDKs ask about sampling.
func (d *daemon) serveSampling(w http.ResponseWriter, r *http.Request) {
	var answer any
	var err error
	operation := map[string]string{"/GetSamplingRules": "GetSamplingRules", "/SamplingTargets": "GetSamplingTargets"}[r.URL.Path]
	if operation != "" && !d.may(operation) {
		http.Error(w, "not authorized to perform: xray:"+operation, http.StatusForbidden)
		return
	}
	switch r.URL.Path {
	case "/GetSamplingRules":
		answer, err = d.service.getSamplingRules(r.Context(), wire.Empty{})
	case "/SamplingTargets":
		var in samplingTargetsInput
		if err = json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in); err == nil {
			answer, err = d.service.getSamplingTargets(r.Context(), in)
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
