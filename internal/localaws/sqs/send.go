package sqs

import (
	"context"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// SendInput is a message to send, or one entry of a batch.
type SendInput struct {
	ID                      string `json:"Id"`
	QueueUrl                string
	MessageBody             string
	DelaySeconds            *int
	MessageAttributes       map[string]MessageAttribute
	MessageSystemAttributes map[string]MessageAttribute
	MessageGroupId          *string
	MessageDeduplicationId  *string
}

// SendOutput tells what was sent: the digests let a client check what arrived.
type SendOutput struct {
	ID                           string `json:"Id,omitempty"`
	MessageID                    string `json:"MessageId"`
	MD5OfMessageBody             string
	MD5OfMessageAttributes       string `json:",omitempty"`
	MD5OfMessageSystemAttributes string `json:",omitempty"`
}

// FailedEntry is an entry of a batch that was refused.
type FailedEntry struct {
	ID          string `json:"Id"`
	Code        string
	Message     string
	SenderFault bool
}

func (s *Service) send(ctx context.Context, in SendInput) (out SendOutput, err error) {
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return out, err
	}
	m, due, err := s.compose(ctx, q.snapshot(), in)
	if err != nil {
		return out, err
	}
	if limit := q.snapshot().Attributes.number("MaximumMessageSize"); m.size() > limit {
		return out, errValue("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", limit)
	}
	m.Due = due
	return sent(m, in), s.enqueue(q, m)
}

// compose makes the message of a request and says when it may be received first.
func (s *Service) compose(ctx context.Context, rec record, in SendInput) (m message, due int64, err error) {
	now := s.now()
	m = message{
		ID: uuid.NewString(), Body: in.MessageBody, Attributes: in.MessageAttributes, Sender: sender(ctx),
		Sent: now, Trace: traceHeader(ctx),
	}
	if trace, ok := in.MessageSystemAttributes["AWSTraceHeader"]; ok && trace.StringValue != nil {
		m.Trace = *trace.StringValue
	}
	if in.MessageGroupId != nil {
		if m.Group = *in.MessageGroupId; !messageGroup.MatchString(m.Group) {
			return m, 0, errParameter(m.Group, "MessageGroupId",
				"MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.")
		}
	}
	if in.MessageDeduplicationId != nil {
		return m, 0, errParameter(*in.MessageDeduplicationId, "MessageDeduplicationId",
			"The request include parameter that is not valid for this queue type.")
	}
	delay := rec.Attributes.number("DelaySeconds")
	if in.DelaySeconds != nil {
		delay = *in.DelaySeconds
	}
	if delay < 0 || delay > 900 {
		return m, 0, errParameter(delay, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
	}
	return m, now + int64(delay)*1000, m.validate()
}

func sent(m message, in SendInput) SendOutput {
	return SendOutput{
		ID: in.ID, MessageID: m.ID, MD5OfMessageBody: digest(m.Body),
		MD5OfMessageAttributes:       digestAttributes(m.Attributes),
		MD5OfMessageSystemAttributes: digestAttributes(in.MessageSystemAttributes),
	}
}

// enqueue stores the messages in one commit and makes them receivable.
func (s *Service) enqueue(q *queue, messages ...message) error {
	return s.enqueueWith(s.cfg.Store.Update, q, messages...)
}

func (s *Service) enqueueWith(commit func(func(tx *state.Tx) error) error, q *queue, messages ...message) error {
	if q.holds() >= s.cfg.MaxMessages {
		return errThrottled()
	}
	entries := make([]*entry, len(messages))
	err := commit(func(tx *state.Tx) error {
		for i, m := range messages {
			e := &entry{seq: s.last.Add(1), sent: m.Sent, receipt: receipt{Visible: m.Due}}
			s.messages.PutTx(tx, q.key(e.seq), m)
			entries[i] = e
		}
		return nil
	})
	if err != nil {
		return err
	}
	if q.add(entries...) {
		s.gauge(q) // the depth of a queue that is emptied soon would else be seen by chance only
	}
	s.measure(q, "NumberOfMessagesSent", float64(len(entries)))
	return nil
}

// SendBatchInput is up to ten messages.
type SendBatchInput struct {
	QueueUrl string
	Entries  []SendInput
}

// SendBatchOutput answers each entry in one of two lists.
type SendBatchOutput struct {
	Successful []SendOutput  `json:",omitempty"`
	Failed     []FailedEntry `json:",omitempty"`
}

func (s *Service) sendBatch(ctx context.Context, in SendBatchInput) (out SendBatchOutput, err error) {
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return out, err
	}
	if err := checkBatch(in.Entries, func(e SendInput) string { return e.ID }); err != nil {
		return out, err
	}
	rec := q.snapshot()
	total := 0
	var messages []message
	for _, e := range in.Entries {
		m, due, err := s.compose(ctx, rec, e)
		total += m.size()
		// A batch does not measure attributes against the limit of the queue, as a single send does.
		if limit := rec.Attributes.number("MaximumMessageSize"); err == nil && len(m.Body) > limit {
			err = errValue("One or more parameters cannot be validated. Reason: Message must be shorter than %d bytes.", limit)
		}
		if err != nil {
			out.Failed = append(out.Failed, failed(e.ID, err))
			continue
		}
		m.Due = due
		messages = append(messages, m)
		out.Successful = append(out.Successful, sent(m, e))
	}
	if total > maxMessageBytes {
		return SendBatchOutput{}, fail("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong",
			"Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxMessageBytes, total)
	}
	return out, s.enqueue(q, messages...)
}

// checkBatch checks what all batches have in common: one to ten entries with valid and different ids.
func checkBatch[E any](entries []E, id func(E) string) error {
	if len(entries) == 0 {
		return fail("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest",
			"There should be at least one entry in the request.")
	}
	if len(entries) > 10 {
		return fail("TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
			"Maximum number of entries per request are 10. You have sent %d.", len(entries))
	}
	seen := map[string]bool{}
	for _, e := range entries {
		if !batchID.MatchString(id(e)) {
			return fail("InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId",
				"A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[id(e)] {
			return fail("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
				"Id %s repeated.", id(e))
		}
		seen[id(e)] = true
	}
	return nil
}

func sender(ctx context.Context) string {
	if c, ok := wire.CallerFrom(ctx); ok && c.AccessKeyID != "" {
		return c.AccessKeyID
	}
	return arn.Account
}

// traceHeader returns the trace that the request of ctx belongs to: SQS passes it on with the message.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-services-sqs.html
func traceHeader(ctx context.Context) string {
	r, ok := wire.RequestFrom(ctx)
	if !ok {
		return ""
	}
	return r.Header.Get("X-Amzn-Trace-Id")
}
