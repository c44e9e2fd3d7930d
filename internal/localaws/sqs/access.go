package sqs

import (
	"context"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// access returns the permissions that a call needs. A batch needs that of its single form.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
func (s *Service) access(_ context.Context, operation string, in any) []wire.Access {
	action := "sqs:" + strings.TrimSuffix(operation, "Batch")
	on := func(name string) []wire.Access {
		need := wire.Access{Action: action, Resource: arn.New("sqs", name)}
		if q, err := s.byName(name); err == nil {
			need.Context = tagKeys("aws:ResourceTag/", q.snapshot().Tags)
		}
		return []wire.Access{need}
	}
	onURL := func(url string) []wire.Access { return on(url[strings.LastIndexByte(url, '/')+1:]) }
	switch in := in.(type) {
	case CreateQueueInput:
		needs := on(in.QueueName)
		if len(in.Tags) > 0 {
			needs = append(needs, wire.Access{Action: "sqs:TagQueue", Resource: needs[0].Resource})
		}
		for i := range needs {
			needs[i].Context = wire.TagMapConditions(in.Tags, nil)
		}
		return needs
	case GetQueueURLInput:
		return on(in.QueueName)
	case QueueInput:
		return onURL(in.QueueUrl)
	case GetAttributesInput:
		return onURL(in.QueueUrl)
	case SetAttributesInput:
		return onURL(in.QueueUrl)
	case PermissionInput:
		return onURL(in.QueueUrl)
	case TagsInput:
		needs := onURL(in.QueueUrl)
		for key, values := range wire.TagMapConditions(in.Tags, in.TagKeys) {
			if needs[0].Context == nil {
				needs[0].Context = map[string][]string{}
			}
			needs[0].Context[key] = values
		}
		return needs
	case SendInput:
		return onURL(in.QueueUrl)
	case SendBatchInput:
		return onURL(in.QueueUrl)
	case ReceiveInput:
		return onURL(in.QueueUrl)
	case ReceiptInput:
		return onURL(in.QueueUrl)
	case ReceiptBatchInput:
		return onURL(in.QueueUrl)
	case ListQueuesInput:
		if operation == "ListDeadLetterSourceQueues" {
			return onURL(in.QueueUrl)
		}
	}
	return []wire.Access{{Action: action, Resource: "*"}}
}

func tagKeys(prefix string, tags map[string]string) map[string][]string {
	keys := make(map[string][]string, len(tags))
	for key, value := range tags {
		keys[prefix+key] = []string{value}
	}
	return keys
}

// ResourcePolicy returns the policy of a queue; ok is false if it has none.
func (s *Service) ResourcePolicy(queueARN string) (doc policy.Document, ok bool, err error) {
	q, err := s.byARN(queueARN)
	if err != nil {
		return doc, false, nil //nolint:nilerr // what does not exist has no policy
	}
	text := q.snapshot().Attributes["Policy"]
	if text == "" {
		return doc, false, nil
	}
	doc, err = policy.Parse(policy.Resource, text)
	return doc, err == nil, err
}

// EncryptionKey returns what a queue calls its key of KMS, empty if it has none.
func (s *Service) EncryptionKey(queueARN string) string {
	q, err := s.byARN(queueARN)
	if err != nil {
		return "" // what does not exist has no key
	}
	return q.snapshot().Attributes["KmsMasterKeyId"]
}
