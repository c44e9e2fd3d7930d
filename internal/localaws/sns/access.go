package sns

import (
	"context"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// access returns the permissions that a call needs. What concerns a subscription needs the permission for its topic.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html
func (s *Service) access(_ context.Context, operation string, in any) []wire.Access {
	action := "sns:" + operation
	on := func(resource string) []wire.Access { return []wire.Access{{Action: action, Resource: resource}} }
	switch in := in.(type) {
	case PublishInput:
		if in.PhoneNumber != "" {
			return on("*")
		}
		return on(in.TopicArn + in.TargetArn)
	case CreateTopicInput:
		needs := on(arn.New("sns", in.Name))
		if len(in.Tags) > 0 {
			needs = append(needs, wire.Access{Action: "sns:TagResource", Resource: needs[0].Resource})
		}
		for i := range needs {
			needs[i].Context = wire.TagConditions(in.Tags, nil)
		}
		return needs
	case TopicARN:
		return on(in.TopicArn)
	case SetTopicAttributesInput:
		return on(in.TopicArn)
	case SubscribeInput:
		return []wire.Access{{Action: action, Resource: in.TopicArn, Context: map[string][]string{
			"sns:Protocol": {in.Protocol}, "sns:Endpoint": {in.Endpoint},
		}}}
	case ConfirmSubscriptionInput:
		return on(in.TopicArn)
	case SubscriptionARN:
		return on(topicOf(in.SubscriptionArn))
	case SetSubscriptionAttributesInput:
		return on(topicOf(in.SubscriptionArn))
	case PageInput:
		if operation == "ListSubscriptionsByTopic" {
			return on(in.TopicArn)
		}
	case TagInput:
		return []wire.Access{{Action: action, Resource: in.ResourceArn, Context: wire.TagConditions(in.Tags, in.TagKeys)}}
	}
	return on("*")
}

// topicOf returns the ARN of the topic that a subscription's ARN begins with.
func topicOf(subscription string) string {
	if i := strings.LastIndexByte(subscription, ':'); i > 0 && strings.Count(subscription, ":") == 6 {
		return subscription[:i]
	}
	return subscription
}

// ResourcePolicy returns the policy of a topic; ok is false if it has none.
func (s *Service) ResourcePolicy(topicARN string) (doc policy.Document, ok bool, err error) {
	t, ok, err := s.topics.Get(topicARN)
	if err != nil || !ok || t.Attributes["Policy"] == "" {
		return doc, false, err
	}
	doc, err = policy.Parse(policy.Resource, t.Attributes["Policy"])
	return doc, err == nil, err
}

// EncryptionKey returns what a topic calls its key of KMS, empty if it has none.
func (s *Service) EncryptionKey(topicARN string) string {
	t, _, err := s.topics.Get(topicARN)
	if err != nil {
		return "" // the call itself meets the same failure
	}
	return t.Attributes["KmsMasterKeyId"]
}
