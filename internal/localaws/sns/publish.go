package sns

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// The limits of a message. https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const (
	maxMessage = 256 << 10
	maxSubject = 100
)

// Attribute is a message attribute.
type Attribute struct {
	DataType    string
	StringValue string `json:",omitempty"`
	BinaryValue []byte `json:",omitempty"`
}

// PublishInput is a message for a topic.
type PublishInput struct {
	TopicArn, TargetArn, PhoneNumber string
	Message, Subject                 string
	MessageStructure                 string
	MessageAttributes                map[string]Attribute
}

// PublishOutput tells the id that the message got.
type PublishOutput struct {
	MessageId string
}

// message is a message on its way to subscribers.
type message struct {
	ID, TopicARN, Subject string
	// Texts has the message by protocol, and under "default".
	Texts      map[string]string
	Attributes map[string]Attribute
	Trace      string
	At         wire.Time
}

func (m message) text(protocol string) string {
	if text, ok := m.Texts[protocol]; ok {
		return text
	}
	return m.Texts["default"]
}

func (s *Service) publishMessage(ctx context.Context, in PublishInput) (out PublishOutput, err error) {
	if in.TopicArn == "" {
		in.TopicArn = in.TargetArn
	}
	if in.PhoneNumber != "" {
		return out, errParameter("PhoneNumber: SMS is not implemented by this endpoint")
	}
	if err := in.check(); err != nil {
		return out, err
	}
	m := message{
		TopicARN: in.TopicArn, Subject: in.Subject, Attributes: in.MessageAttributes,
		Texts: map[string]string{"default": in.Message},
	}
	if in.MessageStructure == "json" {
		m.Texts = nil
		if err := json.Unmarshal([]byte(in.Message), &m.Texts); err != nil {
			return out, errParameter("Message Structure - JSON message body failed to parse")
		}
		if _, ok := m.Texts["default"]; !ok {
			return out, errParameter("Message Structure - No default entry in JSON message body")
		}
	}
	if r, ok := wire.RequestFrom(ctx); ok {
		m.Trace = r.Header.Get("X-Amzn-Trace-Id")
	}
	m, err = s.publish(m)
	return PublishOutput{m.ID}, err
}

func (in PublishInput) check() error {
	size := len(in.Message)
	for name, a := range in.MessageAttributes {
		size += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	switch {
	case in.Message == "":
		return errParameter("Empty message")
	case size > maxMessage:
		return errParameter("Message too long")
	case !utf8.ValidString(in.Subject) || len(in.Subject) > maxSubject || strings.ContainsAny(in.Subject, "\r\n"):
		return errParameter("Subject: want at most %d characters without line breaks", maxSubject)
	}
	return nil
}

// publish stores the message for each confirmed subscription and returns it with its id.
func (s *Service) publish(m message) (message, error) {
	t, err := s.topic(m.TopicARN)
	if err != nil {
		return m, err
	}
	m.ID, m.At = uuid.NewString(), wire.Time{Time: s.cfg.Clock.Now()}
	var subs []subscription
	var unreadable error
	err = s.subscriptions.Scan(t.ARN+"|", "", func(_ string, sub subscription) bool {
		wanted := sub.Token == ""
		if wanted {
			wanted, unreadable = sub.wants(m)
		}
		if wanted {
			subs = append(subs, sub)
		}
		return unreadable == nil
	})
	if err := errors.Join(err, unreadable); err != nil {
		return m, err
	}
	var items []item
	for _, sub := range subs {
		if sub.byMail() {
			continue
		}
		it, err := m.item(sub)
		if err != nil {
			return m, err
		}
		items = append(items, it)
	}
	if !s.load.admit(items, s.cfg.MaxWaiting, s.cfg.MaxWaitingBytes) {
		return m, errThrottled()
	}
	err = s.cfg.Store.Update(func(tx *state.Tx) error {
		for _, sub := range subs {
			if sub.byMail() {
				s.outbox.PutTx(tx, s.nextKey(), m.mail(sub, t.Attributes["DisplayName"]))
			}
		}
		for _, it := range items {
			s.waiting.PutTx(tx, s.nextKey(), it)
		}
		return nil
	})
	if err != nil {
		s.load.remove(items...)
	}
	s.wake()
	return m, err
}

// wake lets the loops look for what is to be delivered.
func (s *Service) wake() {
	for _, kick := range []chan struct{}{s.kick, s.kickHTTP} {
		select {
		case kick <- struct{}{}:
		default: // it is awake
		}
	}
}

// Receive publishes what another service delivers to the topic arn. It returns a *delivery.Error if the topic does not
// exist or its policy does not let the service in.
func (s *Service) Receive(_ context.Context, topicARN string, d delivery.Message) error {
	t, ok, err := s.topics.Get(topicARN)
	if err != nil {
		return err
	}
	if !ok {
		return delivery.Errorf("NO_RESOURCE", "Topic does not exist: %s", topicARN)
	}
	if d.RoleARN == "" {
		doc, err := policy.Parse(policy.Resource, t.Attributes["Policy"])
		if err != nil {
			return err
		}
		r := policy.ServiceRequest(d.Principal, "sns:Publish", t.ARN, d.SourceARN, d.SourceAccount)
		if d.Principal == "cloudwatch.amazonaws.com" {
			// CloudWatch alone also says whose the alarm is: an alarm may publish to a topic that has only the default policy.
			// https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
			r.Context["aws:SourceOwner"] = []string{d.SourceAccount}
		}
		if policy.Evaluate([]policy.Document{doc}, r) != policy.Allow {
			return delivery.Errorf("NO_PERMISSIONS", "User: %s is not authorized to perform: SNS:Publish on resource: %s because no resource-based policy allows the SNS:Publish action", d.Principal, t.ARN)
		}
	}
	in := PublishInput{Message: string(d.Body), Subject: d.Subject}
	if err := in.check(); err != nil {
		return delivery.Errorf("SDK_CLIENT_ERROR", "%v", err)
	}
	texts := map[string]string{"default": string(d.Body)}
	if d.Mail != "" {
		texts["email"] = d.Mail
	}
	_, err = s.publish(message{TopicARN: t.ARN, Subject: d.Subject, Texts: texts, Trace: d.TraceHeader})
	var refused *wire.Error
	if errors.As(err, &refused) && refused.Status == http.StatusTooManyRequests {
		return &delivery.Error{Code: "THROTTLING", Message: refused.Message, Retryable: true}
	}
	return err
}
