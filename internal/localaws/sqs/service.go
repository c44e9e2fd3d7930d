// Package sqs is Amazon SQS: standard queues with policies, redrive to dead letter queues, long polling and batches.
// Messages and queues live in the store; an index in memory answers receives.
//
// It does not do FIFO queues, message move tasks and encryption; requests for them are refused.
//
// API: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html
package sqs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/metrics"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Config is what the service needs. Store, clock and URL are required.
type Config struct {
	Store *state.Store
	Clock *clock.Clock
	// URL returns the endpoint's own URL without a trailing slash, such as "http://127.0.0.1:4566".
	URL func() string
	// Metrics gets the service's own metrics; nil discards them.
	Metrics metrics.Sink
	// MaxMessages is how many messages a queue may hold before senders are throttled; 0 means 1,000,000.
	MaxMessages int
}

// Service is SQS. It is safe for concurrent use.
type Service struct {
	cfg      Config
	records  state.Table[record]
	messages state.Table[message]
	receipts state.Table[receipt]
	// last is the last number given to a queue or a message.
	last atomic.Uint64

	mu     sync.RWMutex
	queues map[string]*queue
}

var _ delivery.Receiver = (*Service)(nil)

// New returns the service with the queues and messages that the store holds.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil || cfg.URL == nil {
		return nil, errors.New("sqs: store, clock and url are required")
	}
	if cfg.MaxMessages == 0 {
		cfg.MaxMessages = 1_000_000
	}
	s := &Service{
		cfg:      cfg,
		records:  state.NewTable[record](cfg.Store, "sqs.queues"),
		messages: state.NewTable[message](cfg.Store, "sqs.messages"),
		receipts: state.NewTable[receipt](cfg.Store, "sqs.receipts"),
		queues:   map[string]*queue{},
	}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("load queues: %w", err)
	}
	return s, nil
}

// load builds the index from the store.
func (s *Service) load() error {
	byID := map[uint64]*queue{}
	var last uint64
	err := s.records.Scan("", "", func(_ string, rec record) bool {
		q := newQueue(rec)
		s.queues[rec.Name], byID[rec.ID] = q, q
		last = max(last, rec.ID)
		return true
	})
	if err != nil {
		return err
	}
	received := map[string]receipt{}
	err = s.receipts.Scan("", "", func(key string, r receipt) bool {
		received[key] = r
		return true
	})
	if err != nil {
		return err
	}
	var orphans []string
	err = s.messages.Scan("", "", func(key string, m message) bool {
		var id, seq uint64
		if _, err := fmt.Sscanf(key, "%x/%x", &id, &seq); err != nil || byID[id] == nil {
			orphans = append(orphans, key)
			return true
		}
		last = max(last, seq)
		e := &entry{seq: seq, sent: m.Sent, receipt: receipt{Visible: m.Due}}
		if r, ok := received[key]; ok {
			e.receipt = r
			delete(received, key)
		}
		byID[id].add(e)
		return true
	})
	if err != nil {
		return err
	}
	for key := range received {
		orphans = append(orphans, key)
	}
	s.last.Store(last)
	return s.erase(orphans)
}

// erase removes messages and their receipts from the store.
func (s *Service) erase(keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	return s.cfg.Store.Update(func(tx *state.Tx) error {
		s.eraseTx(tx, keys)
		return nil
	})
}

func (s *Service) eraseTx(tx *state.Tx, keys []string) {
	for _, key := range keys {
		s.messages.DeleteTx(tx, key)
		s.receipts.DeleteTx(tx, key)
	}
}

// Run deletes messages beyond their retention, and notes how full the queues are, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(gaugeEvery)
	defer tick.Stop()
	for {
		changed := s.cfg.Clock.Changed()
		for _, q := range s.all() {
			s.gauge(q)
			if err := s.erase(q.keys(q.expire(s.now()))); err != nil {
				return fmt.Errorf("expire messages of %s: %w", q.arn(), err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-changed:
		}
	}
}

// Inventory returns the ARNs of all queues.
func (s *Service) Inventory() ([]string, error) {
	var arns []string
	for _, q := range s.all() {
		arns = append(arns, q.arn())
	}
	return arns, nil
}

// all returns the queues in the order of their names.
func (s *Service) all() []*queue {
	s.mu.RLock()
	defer s.mu.RUnlock()
	queues := make([]*queue, 0, len(s.queues))
	for _, q := range s.queues {
		queues = append(queues, q)
	}
	slices.SortFunc(queues, func(a, b *queue) int { return strings.Compare(a.rec.Name, b.rec.Name) })
	return queues
}

// byURL finds a queue by what a client holds: the last segment of the URL is its name.
func (s *Service) byURL(url string) (*queue, error) {
	if url == "" {
		return nil, errMissing("QueueUrl")
	}
	return s.byName(url[strings.LastIndexByte(url, '/')+1:])
}

func (s *Service) byName(name string) (*queue, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if q, ok := s.queues[name]; ok {
		return q, nil
	}
	return nil, errNoQueue()
}

func (s *Service) byARN(s1 string) (*queue, error) {
	a, ok := arn.Parse(s1)
	if !ok || a.Service != "sqs" || a.Account != arn.Account || a.Region != arn.Region {
		return nil, errNoQueue()
	}
	return s.byName(a.Resource)
}

func (s *Service) url(name string) string { return s.cfg.URL() + "/" + arn.Account + "/" + name }

// now returns the time in milliseconds, the unit of everything in SQS.
func (s *Service) now() int64 { return s.cfg.Clock.Now().UnixMilli() }

// nonce returns a number that tells one receive from another; it is never 0.
func (s *Service) nonce() uint64 { return rand.Uint64() | 1 } //nolint:gosec // not a secret

// API returns the operations of SQS.
func (s *Service) API() wire.Service {
	return wire.Service{
		Name: "sqs", Protocol: wire.JSON10, Target: "AmazonSQS", Version: apiVersion, Namespace: namespace, Flat: flattened(),
		Access: s.access,
		Gaps: []string{
			"There are no FIFO queues and no message move tasks; nothing is encrypted.",
			"A queue holds a million messages, then senders are throttled; on AWS it has no limit.",
			"What a queue counts is exact, not approximate, and a receive looks at the whole queue, never at a part of its servers.",
		},
		Operations: []wire.Operation{
			wire.Op("CreateQueue", s.createQueue),
			wire.Op("DeleteQueue", s.deleteQueue),
			wire.Op("GetQueueUrl", s.getQueueURL),
			wire.Op("ListQueues", s.listQueues),
			wire.Op("ListDeadLetterSourceQueues", s.listSources),
			wire.Op("GetQueueAttributes", s.getAttributes),
			wire.Op("SetQueueAttributes", s.setAttributes),
			wire.Op("AddPermission", s.addPermission),
			wire.Op("RemovePermission", s.removePermission),
			wire.Op("ListQueueTags", s.listTags),
			wire.Op("TagQueue", s.tag),
			wire.Op("UntagQueue", s.untag),
			wire.Op("PurgeQueue", s.purge),
			wire.Op("SendMessage", s.send),
			wire.Op("SendMessageBatch", s.sendBatch),
			wire.Op("ReceiveMessage", s.receive),
			wire.Op("DeleteMessage", s.deleteMessage),
			wire.Op("DeleteMessageBatch", s.deleteBatch),
			wire.Op("ChangeMessageVisibility", s.changeVisibility),
			wire.Op("ChangeMessageVisibilityBatch", s.changeVisibilityBatch),
		},
	}
}
