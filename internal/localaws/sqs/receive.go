package sqs

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// ReceiveInput asks for messages.
type ReceiveInput struct {
	QueueUrl                    string
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
}

// ReceivedMessage is a message with the receipt that deletes it.
type ReceivedMessage struct {
	MessageID              string `json:"MessageId"`
	ReceiptHandle          string
	MD5OfBody              string
	Body                   string
	Attributes             map[string]string           `json:",omitempty"`
	MD5OfMessageAttributes string                      `json:",omitempty"`
	MessageAttributes      map[string]MessageAttribute `json:",omitempty"`
}

// ReceiveOutput holds what was received; no member if nothing was.
type ReceiveOutput struct {
	Messages []ReceivedMessage `json:",omitempty"`
}

func (s *Service) receive(ctx context.Context, in ReceiveInput) (out ReceiveOutput, err error) {
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return out, err
	}
	attributes := q.snapshot().Attributes
	limit, visibility := 1, attributes.number("VisibilityTimeout")
	wait := attributes.number("ReceiveMessageWaitTimeSeconds")
	if in.MaxNumberOfMessages != nil {
		if limit = *in.MaxNumberOfMessages; limit < 1 || limit > 10 {
			return out, errParameter(limit, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
		}
	}
	if in.WaitTimeSeconds != nil {
		if wait = *in.WaitTimeSeconds; wait < 0 || wait > 20 {
			return out, errParameter(wait, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
		}
	}
	if in.VisibilityTimeout != nil {
		if visibility = *in.VisibilityTimeout; visibility < 0 || visibility > maxVisibility {
			return out, errParameter(visibility, "VisibilityTimeout",
				fmt.Sprintf("Must be >= 0 and <= %d, if provided.", maxVisibility))
		}
	}
	received, err := s.poll(ctx, q, limit, int64(visibility)*1000, time.Duration(wait)*time.Second)
	if err != nil {
		return out, err
	}
	s.measure(q, "NumberOfMessagesReceived", float64(len(received)))
	for _, e := range received {
		m, ok, err := s.messages.Get(q.key(e.seq))
		if err != nil {
			return out, err
		}
		if ok {
			out.Messages = append(out.Messages, present(q, e, m, in))
		}
	}
	return out, nil
}

// poll takes messages and, while there are none, waits for one until the time is up or ctx ends.
func (s *Service) poll(ctx context.Context, q *queue, limit int, visibility int64, wait time.Duration) ([]entry, error) {
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	for {
		moved := s.cfg.Clock.Changed()
		now := s.now()
		dead, policy := s.deadLetterQueue(q)
		t := q.take(now, limit, visibility, policy.maxReceive, s.nonce)
		if err := s.settle(q, dead, t); err != nil {
			return nil, err
		}
		if len(t.received) > 0 || wait == 0 {
			return t.received, nil
		}
		next := time.NewTimer(wait)
		if t.next > 0 {
			next.Reset(time.Duration(max(t.next-now, 1)) * time.Millisecond)
		}
		select {
		case <-t.changed:
		case <-next.C:
		case <-moved:
		case <-timeout.C:
			wait = 0
		case <-ctx.Done():
			wait = 0
		}
		next.Stop()
	}
}

// deadLetterQueue returns where messages of q go that were received too often, or no policy if there is no such place.
func (s *Service) deadLetterQueue(q *queue) (*queue, redrivePolicy) {
	policy, ok := q.snapshot().Attributes.redrive()
	if !ok {
		return nil, redrivePolicy{}
	}
	dead, err := s.byARN(policy.target)
	if err != nil || !dead.snapshot().Attributes.admits(q.arn()) {
		return nil, redrivePolicy{}
	}
	return dead, policy
}

// settle stores what a take did, in one commit: the receipts, and the messages that left the queue.
func (s *Service) settle(q, dead *queue, t taken) error {
	if len(t.received)+len(t.expired)+len(t.dead) == 0 {
		return nil
	}
	var moved []*entry
	err := s.cfg.Store.Update(func(tx *state.Tx) error {
		for _, e := range t.received {
			s.receipts.PutTx(tx, q.key(e.seq), e.receipt)
		}
		s.eraseTx(tx, q.keys(t.expired))
		for _, e := range t.dead {
			m, ok, err := s.messages.Get(q.key(e.seq))
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			s.eraseTx(tx, []string{q.key(e.seq)})
			m.Source, m.Due = q.arn(), s.now()
			// The count of receives goes along: the first receive from the dead letter queue shows it plus one.
			there := &entry{seq: s.last.Add(1), sent: m.Sent, receipt: receipt{
				Receives: e.Receives, First: e.First, Visible: m.Due,
			}}
			s.messages.PutTx(tx, dead.key(there.seq), m)
			s.receipts.PutTx(tx, dead.key(there.seq), there.receipt)
			moved = append(moved, there)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(moved) > 0 {
		dead.add(moved...)
	}
	return nil
}

// present shows a message with the attributes that the request selects.
func present(q *queue, e entry, m message, in ReceiveInput) ReceivedMessage {
	out := ReceivedMessage{
		MessageID: m.ID, ReceiptHandle: handle(q, e), MD5OfBody: digest(m.Body), Body: m.Body,
	}
	wanted := slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames)
	for name, value := range map[string]string{
		"SenderId":                         m.Sender,
		"SentTimestamp":                    strconv.FormatInt(m.Sent, 10),
		"ApproximateReceiveCount":          strconv.Itoa(e.Receives),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(e.First, 10),
		"AWSTraceHeader":                   m.Trace,
		"MessageGroupId":                   m.Group,
		"DeadLetterQueueSourceArn":         m.Source,
	} {
		if value != "" && (slices.Contains(wanted, "All") || slices.Contains(wanted, name)) {
			if out.Attributes == nil {
				out.Attributes = map[string]string{}
			}
			out.Attributes[name] = value
		}
	}
	for name, value := range m.Attributes {
		if selects(in.MessageAttributeNames, name) {
			if out.MessageAttributes == nil {
				out.MessageAttributes = map[string]MessageAttribute{}
			}
			out.MessageAttributes[name] = value
		}
	}
	out.MD5OfMessageAttributes = digestAttributes(out.MessageAttributes)
	return out
}

// selects reports whether one of the patterns, "All", "prefix.*" or a name, means name.
func selects(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		prefix, wild := strings.CutSuffix(p, ".*")
		return p == "All" || p == name || wild && strings.HasPrefix(name, prefix)
	})
}

// handle returns the receipt handle of one receive.
func handle(q *queue, e entry) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%x %x %x", q.rec.ID, e.seq, e.Nonce))
}

var errHandle = errors.New("not a receipt handle")

// parseHandle takes a receipt handle of q apart.
func parseHandle(q *queue, s string) (seq, nonce uint64, err error) {
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return 0, 0, errHandle
	}
	var id uint64
	if n, err := fmt.Sscanf(string(raw), "%x %x %x", &id, &seq, &nonce); err != nil || n != 3 || id != q.rec.ID {
		return 0, 0, errHandle
	}
	return seq, nonce, nil
}

// ReceiptInput names a received message, alone or as an entry of a batch, and for how long to hide it.
type ReceiptInput struct {
	ID                string `json:"Id"`
	QueueUrl          string
	ReceiptHandle     string
	VisibilityTimeout *int
}

// ReceiptBatchInput is up to ten of them.
type ReceiptBatchInput struct {
	QueueUrl string
	Entries  []ReceiptInput
}

// ReceiptBatchOutput answers each entry in one of two lists.
type ReceiptBatchOutput struct {
	Successful []BatchEntry  `json:",omitempty"`
	Failed     []FailedEntry `json:",omitempty"`
}

// BatchEntry is an entry that succeeded.
type BatchEntry struct {
	ID string `json:"Id"`
}

func (s *Service) deleteMessage(_ context.Context, in ReceiptInput) (out wire.Empty, err error) {
	return out, s.single(in, s.discard)
}

func (s *Service) deleteBatch(_ context.Context, in ReceiptBatchInput) (ReceiptBatchOutput, error) {
	return s.batch(in, s.discard)
}

func (s *Service) changeVisibility(_ context.Context, in ReceiptInput) (out wire.Empty, err error) {
	return out, s.single(in, s.hide)
}

func (s *Service) changeVisibilityBatch(_ context.Context, in ReceiptBatchInput) (ReceiptBatchOutput, error) {
	return s.batch(in, s.hide)
}

func (s *Service) single(in ReceiptInput, do func(*queue, ReceiptInput) error) error {
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return err
	}
	return do(q, in)
}

func (s *Service) batch(in ReceiptBatchInput, do func(*queue, ReceiptInput) error) (out ReceiptBatchOutput, err error) {
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return out, err
	}
	if err := checkBatch(in.Entries, func(e ReceiptInput) string { return e.ID }); err != nil {
		return out, err
	}
	for _, e := range in.Entries {
		if err := do(q, e); err != nil {
			out.Failed = append(out.Failed, failed(e.ID, err))
			continue
		}
		out.Successful = append(out.Successful, BatchEntry{ID: e.ID})
	}
	return out, nil
}

// discard deletes a message. A receipt that a later receive has overtaken deletes nothing, and AWS does not say so.
func (s *Service) discard(q *queue, in ReceiptInput) error {
	if in.ReceiptHandle == "" {
		return errMissing("ReceiptHandle")
	}
	seq, nonce, err := parseHandle(q, in.ReceiptHandle)
	if err != nil {
		return errReceiptHandle(in.ReceiptHandle)
	}
	if _, ok := q.find(seq, nonce); !ok {
		return nil
	}
	if err := s.erase([]string{q.key(seq)}); err != nil {
		return err
	}
	q.remove(seq)
	s.measure(q, "NumberOfMessagesDeleted", 1)
	return nil
}

// hide sets the visibility timeout of a received message anew, from now on.
func (s *Service) hide(q *queue, in ReceiptInput) error {
	if in.VisibilityTimeout == nil {
		return errMissing("VisibilityTimeout")
	}
	timeout := *in.VisibilityTimeout
	if timeout < 0 || timeout > maxVisibility {
		return errParameter(timeout, "VisibilityTimeout",
			fmt.Sprintf("VisibilityTimeout must be an integer between 0 and %d", maxVisibility))
	}
	seq, nonce, err := parseHandle(q, in.ReceiptHandle)
	if err != nil {
		return errReceiptHandle(in.ReceiptHandle)
	}
	e, ok := q.hide(seq, nonce, s.now()+int64(timeout)*1000)
	if !ok {
		return errParameter(in.ReceiptHandle, "ReceiptHandle",
			"Message does not exist or is not available for visibility timeout change.")
	}
	return s.receipts.Put(q.key(seq), e.receipt)
}

// failed turns an error into the answer for one entry of a batch.
func failed(id string, err error) FailedEntry {
	var e *wire.Error
	if !errors.As(err, &e) {
		return FailedEntry{ID: id, Code: "InternalError", Message: err.Error()}
	}
	code, _, _ := strings.Cut(e.QueryCode, ";")
	return FailedEntry{ID: id, Code: code, Message: e.Message, SenderFault: true}
}
