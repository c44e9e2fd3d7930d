package sns

import (
	"context"
	"crypto/rand"
	"maps"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// subscription is a subscription as it is stored.
type subscription struct {
	ARN, TopicARN, Protocol, Endpoint string
	Attributes                        map[string]string
	// Token confirms a pending subscription; a confirmed one has none.
	Token string
}

func (sub subscription) key() string { return sub.TopicARN + "|" + sub.ARN }

func (sub subscription) raw() bool { return sub.Attributes["RawMessageDelivery"] == "true" }

// SubscribeInput describes a subscription.
type SubscribeInput struct {
	TopicArn, Protocol, Endpoint string
	Attributes                   map[string]string
	ReturnSubscriptionArn        bool
}

// SubscriptionARN names a subscription.
type SubscriptionARN struct {
	SubscriptionArn string
}

func (s *Service) subscribe(_ context.Context, in SubscribeInput) (out SubscriptionARN, err error) {
	if err := checkEndpoint(in.Protocol, in.Endpoint); err != nil {
		return out, err
	}
	for name, value := range in.Attributes {
		if err := checkSubscriptionAttribute(name, value); err != nil {
			return out, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.topic(in.TopicArn); err != nil {
		return out, err
	}
	sub, found := subscription{}, false
	err = s.subscriptions.Scan(in.TopicArn+"|", "", func(_ string, old subscription) bool {
		if old.Protocol == in.Protocol && old.Endpoint == in.Endpoint {
			sub, found = old, true
		}
		return !found
	})
	if err != nil {
		return out, err
	}
	if found {
		for name, value := range in.Attributes {
			if sub.Attributes[name] != value {
				return out, errParameter("Attributes Reason: Subscription already exists with different attributes")
			}
		}
		return sub.answer(in.ReturnSubscriptionArn), nil
	}
	sub = subscription{
		ARN: in.TopicArn + ":" + uuid.NewString(), TopicARN: in.TopicArn, Protocol: in.Protocol, Endpoint: in.Endpoint,
		Attributes: in.Attributes,
	}
	if in.Protocol != "sqs" && in.Protocol != "lambda" {
		sub.Token = strings.ToLower(rand.Text() + rand.Text())
	}
	defer s.wake()
	return sub.answer(in.ReturnSubscriptionArn), s.cfg.Store.Update(func(tx *state.Tx) error {
		s.subscriptions.PutTx(tx, sub.key(), sub)
		if sub.byMail() {
			s.outbox.PutTx(tx, s.nextKey(), s.confirmationMail(sub))
		}
		if !sub.byHTTP() {
			return nil
		}
		ask, err := s.confirmation(sub)
		if err != nil {
			return err
		}
		s.load.add(ask)
		s.waiting.PutTx(tx, s.nextKey(), ask)
		return nil
	})
}

// answer is what Subscribe returns: the ARN of a pending subscription on request only.
func (sub subscription) answer(always bool) SubscriptionARN {
	if sub.Token != "" && !always {
		return SubscriptionARN{"pending confirmation"}
	}
	return SubscriptionARN{sub.ARN}
}

func checkEndpoint(protocol, endpoint string) error {
	ok := false
	switch protocol {
	case "sqs", "lambda":
		a, isARN := arn.Parse(endpoint)
		ok = isARN && a.Service == protocol
	case "email", "email-json":
		ok = strings.Contains(endpoint, "@")
	case "http", "https":
		ok = strings.HasPrefix(endpoint, protocol+"://")
	default:
		return errParameter("Protocol %q: this endpoint has sqs, lambda, email, email-json, http and https", protocol)
	}
	if !ok {
		return errParameter("Endpoint %q for protocol %s", endpoint, protocol)
	}
	return nil
}

func checkSubscriptionAttribute(name, value string) error {
	switch name {
	case "RawMessageDelivery":
		if _, err := strconv.ParseBool(value); err != nil {
			return errParameter("Attributes Reason: RawMessageDelivery: Invalid value [%s]. Must be true or false.", value)
		}
	case "RedrivePolicy":
		if value == "" {
			return nil
		}
		_, err := redriveTarget(value)
		return err
	case "FilterPolicy":
		return checkFilter(value)
	case "FilterPolicyScope":
		return checkScope(value)
	case "DeliveryPolicy", "SubscriptionRoleArn", "ReplayPolicy":
		if value != "" {
			return errParameter("%s is not implemented by this endpoint", name)
		}
	default:
		return errParameter("AttributeName: %s", name)
	}
	return nil
}

// ConfirmSubscriptionInput carries the token that the subscriber was sent.
type ConfirmSubscriptionInput struct{ TopicArn, Token string }

func (s *Service) confirmSubscription(_ context.Context, in ConfirmSubscriptionInput) (out SubscriptionARN, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub, found := subscription{}, false
	err = s.subscriptions.Scan(in.TopicArn+"|", "", func(_ string, old subscription) bool {
		if in.Token != "" && old.Token == in.Token {
			sub, found = old, true
		}
		return !found
	})
	if err != nil {
		return out, err
	}
	if !found {
		return out, errParameter("Token")
	}
	sub.Token = ""
	return SubscriptionARN{sub.ARN}, s.subscriptions.Put(sub.key(), sub)
}

// subscription returns the subscription of an ARN, which starts with that of its topic.
func (s *Service) subscription(subscriptionARN string) (subscription, error) {
	i := strings.LastIndexByte(subscriptionARN, ':')
	if a, ok := arn.Parse(subscriptionARN); !ok || a.Service != "sns" || !strings.Contains(a.Resource, ":") {
		return subscription{}, errParameter("SubscriptionArn Reason: %q is not the ARN of a subscription", subscriptionARN)
	}
	sub, ok, err := s.subscriptions.Get(subscriptionARN[:i] + "|" + subscriptionARN)
	if err == nil && !ok {
		err = errNotFound("Subscription")
	}
	return sub, err
}

func (s *Service) getSubscriptionAttributes(_ context.Context, in SubscriptionARN) (out AttributesOutput, err error) {
	sub, err := s.subscription(in.SubscriptionArn)
	if err != nil {
		return out, err
	}
	out.Attributes = map[string]string{
		"SubscriptionArn": sub.ARN, "TopicArn": sub.TopicARN, "Protocol": sub.Protocol, "Endpoint": sub.Endpoint,
		"Owner": arn.Account, "SubscriptionPrincipal": "arn:aws:iam::" + arn.Account + ":root",
		"PendingConfirmation":          strconv.FormatBool(sub.Token != ""),
		"ConfirmationWasAuthenticated": strconv.FormatBool(sub.Token == ""),
		"RawMessageDelivery":           "false",
	}
	maps.Copy(out.Attributes, sub.Attributes)
	return out, nil
}

// SetSubscriptionAttributesInput sets one attribute; an empty value removes it.
type SetSubscriptionAttributesInput struct {
	SubscriptionArn, AttributeName, AttributeValue string
}

func (s *Service) setSubscriptionAttributes(_ context.Context, in SetSubscriptionAttributesInput) (out wire.Empty, err error) {
	if err := checkSubscriptionAttribute(in.AttributeName, in.AttributeValue); err != nil {
		return out, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sub, err := s.subscription(in.SubscriptionArn)
	if err != nil {
		return out, err
	}
	if sub.Attributes == nil {
		sub.Attributes = map[string]string{}
	}
	sub.Attributes[in.AttributeName] = in.AttributeValue
	if in.AttributeValue == "" {
		delete(sub.Attributes, in.AttributeName)
	}
	return out, s.subscriptions.Put(sub.key(), sub)
}

// SubscriptionEntry is a subscription in a list.
type SubscriptionEntry struct {
	SubscriptionArn, TopicArn, Protocol, Endpoint, Owner string
}

// ListSubscriptionsOutput is a page of subscriptions.
type ListSubscriptionsOutput struct {
	Subscriptions []SubscriptionEntry
	NextToken     string `json:",omitempty"`
}

func (s *Service) listSubscriptions(_ context.Context, in PageInput) (out ListSubscriptionsOutput, err error) {
	prefix := ""
	if in.TopicArn != "" {
		prefix = in.TopicArn + "|"
	}
	err = s.subscriptions.Scan(prefix, in.NextToken, func(key string, sub subscription) bool {
		if len(out.Subscriptions) == pageSize {
			out.NextToken = key
			return false
		}
		e := SubscriptionEntry{sub.ARN, sub.TopicARN, sub.Protocol, sub.Endpoint, arn.Account}
		if sub.Token != "" {
			e.SubscriptionArn = "PendingConfirmation"
		}
		out.Subscriptions = append(out.Subscriptions, e)
		return true
	})
	return out, err
}

func (s *Service) listSubscriptionsByTopic(ctx context.Context, in PageInput) (ListSubscriptionsOutput, error) {
	if _, err := s.topic(in.TopicArn); err != nil {
		return ListSubscriptionsOutput{}, err
	}
	return s.listSubscriptions(ctx, in)
}

// unsubscribe removes a subscription. To remove what does not exist is no error.
func (s *Service) unsubscribe(_ context.Context, in SubscriptionARN) (out wire.Empty, err error) {
	i := strings.LastIndexByte(in.SubscriptionArn, ':')
	if i < 0 {
		return out, errParameter("SubscriptionArn Reason: %q is not the ARN of a subscription", in.SubscriptionArn)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return out, s.subscriptions.Delete(in.SubscriptionArn[:i] + "|" + in.SubscriptionArn)
}
