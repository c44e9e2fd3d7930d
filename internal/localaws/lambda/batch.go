package lambda

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/events/pattern"
)

// queueRecord is a message of a queue as a function gets it.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event
type queueRecord struct {
	MessageID         string                     `json:"messageId"`
	Receipt           string                     `json:"receiptHandle"`
	Body              json.RawMessage            `json:"body"`
	Attributes        map[string]string          `json:"attributes"`
	MessageAttributes map[string]recordAttribute `json:"messageAttributes"`
	MD5OfAttributes   *string                    `json:"md5OfMessageAttributes"`
	MD5OfBody         string                     `json:"md5OfBody"`
	EventSource       string                     `json:"eventSource"`
	EventSourceARN    string                     `json:"eventSourceARN"`
	Region            string                     `json:"awsRegion"`
}

type recordAttribute struct {
	StringValue      *string  `json:"stringValue,omitempty"`
	BinaryValue      []byte   `json:"binaryValue,omitempty"`
	StringListValues []string `json:"stringListValues"`
	BinaryListValues [][]byte `json:"binaryListValues"`
	DataType         string   `json:"dataType"`
}

// recordOf returns m as a record of the queue.
func recordOf(queueARN string, m delivery.Taken) (queueRecord, error) {
	body, err := json.Marshal(m.Body)
	if err != nil {
		return queueRecord{}, fmt.Errorf("body of message %s: %w", m.ID, err)
	}
	r := queueRecord{
		MessageID: m.ID, Receipt: m.Receipt, Body: body, Attributes: m.Attributes, MD5OfBody: m.MD5OfBody,
		MessageAttributes: map[string]recordAttribute{}, EventSource: "aws:sqs", EventSourceARN: queueARN, Region: arn.Region,
	}
	if m.MD5OfAttributes != "" {
		r.MD5OfAttributes = &m.MD5OfAttributes
	}
	for name, a := range m.MessageAttributes {
		r.MessageAttributes[name] = recordAttribute{
			StringValue: a.String, BinaryValue: a.Binary, DataType: a.DataType, StringListValues: []string{}, BinaryListValues: [][]byte{},
		}
	}
	return r, nil
}

// passes says whether one of the patterns matches the record; a body that is a JSON document is matched as such.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html
func (r queueRecord) passes(patterns []*pattern.Pattern, body string) (bool, error) {
	if len(patterns) == 0 {
		return true, nil
	}
	if trimmed := bytes.TrimSpace([]byte(body)); len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') && json.Valid(trimmed) {
		r.Body = trimmed
	}
	text, err := json.Marshal(r)
	if err != nil {
		return false, fmt.Errorf("record of message %s: %w", r.MessageID, err)
	}
	event, err := pattern.ParseEvent(string(text))
	if err != nil {
		return false, nil //nolint:nilerr // what is no event to the language matches nothing
	}
	return slices.ContainsFunc(patterns, func(p *pattern.Pattern) bool { return p.Match(event) }), nil
}

// batch is what one invocation gets: messages by the length of the payload in which they travel.
type batch struct {
	// receipts delete the messages, by the id of the message.
	receipts map[string]string
	records  [][]byte
	size     int
}

// add appends a record; ok is false if it would make the payload too large.
func (b *batch) add(r queueRecord) (ok bool, err error) {
	raw, err := json.Marshal(r)
	if err != nil {
		return false, fmt.Errorf("record of message %s: %w", r.MessageID, err)
	}
	if len(b.records) > 0 && b.size+len(raw)+len(envelope) > maxSyncPayload {
		return false, nil
	}
	if b.receipts == nil {
		b.receipts = map[string]string{}
	}
	b.receipts[r.MessageID] = r.Receipt
	b.records = append(b.records, raw)
	b.size += len(raw) + 1 // a comma
	return true, nil
}

// pack adds a record to the last of the batches, or to a new one if that is full.
func pack(all []*batch, r queueRecord) ([]*batch, error) {
	if len(all) > 0 {
		if ok, err := all[len(all)-1].add(r); ok || err != nil {
			return all, err
		}
	}
	b := &batch{}
	_, err := b.add(r)
	return append(all, b), err
}

const envelope = `{"Records":[]}`

// payload returns the event.
func (b *batch) payload() []byte {
	return slices.Concat([]byte(`{"Records":[`), bytes.Join(b.records, []byte(",")), []byte(`]}`))
}

// done returns the receipts of the messages that an answer of the function settles; if the answer is no valid report, none.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
func (b *batch) done(reports bool, answer []byte) []string {
	left := maps.Clone(b.receipts)
	answer = bytes.TrimSpace(answer)
	if reports && len(answer) > 0 && string(answer) != `""` {
		var report struct {
			Failures []struct {
				Item *string `json:"itemIdentifier"`
			} `json:"batchItemFailures"`
		}
		if err := json.Unmarshal(answer, &report); err != nil {
			return nil
		}
		for _, f := range report.Failures {
			if f.Item == nil {
				return nil
			}
			if _, ok := b.receipts[*f.Item]; !ok {
				return nil
			}
			delete(left, *f.Item)
		}
	}
	return slices.Collect(maps.Values(left))
}
