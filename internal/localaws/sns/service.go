// Package sns is Amazon SNS: standard topics, subscriptions, and the fan-out of messages to queues, functions and a
// local outbox of e-mail.
//
// It does not do FIFO topics, SMS and push; requests for them are refused. Messages carry no valid
// signature.
//
// API: https://docs.aws.amazon.com/sns/latest/api/welcome.html
package sns

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Config is what the service needs.
type Config struct {
	Store  *state.Store
	Clock  *clock.Clock
	Sender delivery.Sender
	// URL returns the address of the endpoint, which subscribers over HTTP visit to confirm.
	URL func() string
	// RetryScale multiplies the delays between delivery attempts; 0 means 1.
	RetryScale float64
	// MaxWaiting and MaxWaitingBytes are how much may wait for its delivery; beyond it publishers are throttled. 0 means 100,000
	// messages and 256 MiB.
	MaxWaiting, MaxWaitingBytes int64
}

// Service is SNS. It is safe for concurrent use.
type Service struct {
	cfg           Config
	topics        state.Table[topic]
	subscriptions state.Table[subscription] // by topic ARN, "|", subscription ARN
	waiting       state.Table[item]
	outbox        state.Table[Mail]

	mu       sync.Mutex    // guards changes from reading to writing
	last     atomic.Uint64 // the last number given to a delivery or a mail
	kick     chan struct{} // there is something to deliver; kickHTTP wakes the loop for subscribers over HTTP
	kickHTTP chan struct{}
	load     load
}

var _ delivery.Receiver = (*Service)(nil)

// New returns the service with what the store holds.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil || cfg.Sender == nil || cfg.URL == nil {
		return nil, errors.New("sns: store, clock, sender and URL are required")
	}
	if cfg.RetryScale == 0 {
		cfg.RetryScale = 1
	}
	if cfg.MaxWaiting == 0 {
		cfg.MaxWaiting = 100_000
	}
	if cfg.MaxWaitingBytes == 0 {
		cfg.MaxWaitingBytes = 256 << 20
	}
	s := &Service{
		cfg:           cfg,
		topics:        state.NewTable[topic](cfg.Store, "sns.topics"),
		subscriptions: state.NewTable[subscription](cfg.Store, "sns.subscriptions"),
		waiting:       state.NewTable[item](cfg.Store, "sns.waiting"),
		outbox:        state.NewTable[Mail](cfg.Store, "sns.outbox"),
		kick:          make(chan struct{}, 1),
		kickHTTP:      make(chan struct{}, 1),
	}
	err := s.waiting.Scan("", "", func(_ string, it item) bool { s.load.add(it); return true })
	return s, errors.Join(err, s.findLast())
}

// settle removes a message that nobody waits for any more.
func (s *Service) settle(key string, it item) error {
	err := s.waiting.Delete(key)
	if err == nil {
		s.load.remove(it)
	}
	return err
}

// errThrottled refuses what there is no room for, as SNS words it.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
func errThrottled() *wire.Error {
	e := wire.Errorf("Throttled", "Rate exceeded")
	e.Status = http.StatusTooManyRequests
	return e
}

// findLast reads the highest number in use.
func (s *Service) findLast() error {
	var last, n uint64
	look := func(key string) bool {
		if _, err := fmt.Sscanf(key, "%x", &n); err == nil {
			last = max(last, n)
		}
		return false
	}
	err := errors.Join(
		s.waiting.Descend("", "", func(key string, _ item) bool { return look(key) }),
		s.outbox.Descend("", "", func(key string, _ Mail) bool { return look(key) }))
	s.last.Store(last)
	return err
}

// nextKey returns a key that sorts after all given before.
func (s *Service) nextKey() string { return fmt.Sprintf("%016x", s.last.Add(1)) }

// API returns the operations of SNS.
func (s *Service) API() wire.Service {
	return wire.Service{
		Name: "sns", Protocol: wire.Query, Version: "2010-03-31", Namespace: "http://sns.amazonaws.com/doc/2010-03-31/",
		Access: s.access,
		Gaps: []string{
			"There are no FIFO topics, SMS and push; subscriptions over HTTP have the default delivery policy.",
			"E-mail goes to a local outbox; messages carry no valid signature.",
		},
		Operations: []wire.Operation{
			wire.Op("CreateTopic", s.createTopic),
			wire.Op("GetTopicAttributes", s.getTopicAttributes),
			wire.Op("SetTopicAttributes", s.setTopicAttributes),
			wire.Op("DeleteTopic", s.deleteTopic),
			wire.Op("ListTopics", s.listTopics),
			wire.Op("Subscribe", s.subscribe),
			wire.Op("ConfirmSubscription", s.confirmSubscription),
			wire.Op("GetSubscriptionAttributes", s.getSubscriptionAttributes),
			wire.Op("SetSubscriptionAttributes", s.setSubscriptionAttributes),
			wire.Op("ListSubscriptions", s.listSubscriptions),
			wire.Op("ListSubscriptionsByTopic", s.listSubscriptionsByTopic),
			wire.Op("Unsubscribe", s.unsubscribe),
			wire.Op("ListTagsForResource", s.listTags),
			wire.Op("TagResource", s.tag),
			wire.Op("UntagResource", s.untag),
			wire.Op("Publish", s.publishMessage),
		},
	}
}

// Inventory returns the ARNs of all topics and subscriptions.
func (s *Service) Inventory() ([]string, error) {
	var arns []string
	err := errors.Join(
		s.topics.Scan("", "", func(arn string, _ topic) bool {
			arns = append(arns, arn)
			return true
		}),
		s.subscriptions.Scan("", "", func(_ string, sub subscription) bool {
			arns = append(arns, sub.ARN)
			return true
		}))
	return arns, err
}

func errNotFound(what string) *wire.Error {
	e := wire.Errorf("NotFound", "%s does not exist", what)
	e.Status = http.StatusNotFound
	return e
}

func errParameter(format string, args ...any) *wire.Error {
	return wire.Errorf("InvalidParameter", "Invalid parameter: "+format, args...)
}
