package sns

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
)

// notification is what a queue gets.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
type notification struct {
	Type              string
	MessageID         string `json:"MessageId"`
	TopicARN          string `json:"TopicArn"`
	Subject           string `json:",omitempty"`
	Message           string
	Timestamp         string
	SignatureVersion  string
	Signature         string
	SigningCertURL    string
	UnsubscribeURL    string
	MessageAttributes map[string]attributeValue `json:",omitempty"`
}

type attributeValue struct {
	Type  string
	Value any
}

// unsigned stands where AWS signs.
const unsigned = "UNSIGNED"

func (m message) timestamp() string { return m.At.UTC().Format("2006-01-02T15:04:05.000Z") }

func (m message) values() map[string]attributeValue {
	values := map[string]attributeValue{}
	for name, a := range m.Attributes {
		v := attributeValue{Type: a.DataType, Value: a.StringValue}
		if strings.HasPrefix(a.DataType, "Binary") {
			v.Value = a.BinaryValue
		}
		values[name] = v
	}
	return values
}

func (sub subscription) links() (certificate, unsubscribe string) {
	host := "https://sns." + arn.Region + ".amazonaws.com/"
	return host + "SimpleNotificationService.pem", host + "?Action=Unsubscribe&SubscriptionArn=" + url.QueryEscape(sub.ARN)
}

func (m message) notification(sub subscription) notification {
	certificate, unsubscribe := sub.links()
	return notification{
		Type: "Notification", MessageID: m.ID, TopicARN: m.TopicARN, Subject: m.Subject, Message: m.text(sub.Protocol),
		Timestamp: m.timestamp(), SignatureVersion: "1", Signature: unsigned, SigningCertURL: certificate,
		UnsubscribeURL: unsubscribe, MessageAttributes: m.values(),
	}
}

// lambdaRecord is what a function gets; it spells some names differently.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
type lambdaRecord struct {
	EventSource, EventVersion, EventSubscriptionArn string
	Sns                                             struct {
		Type              string
		MessageID         string `json:"MessageId"`
		TopicARN          string `json:"TopicArn"`
		Subject           *string
		Message           string
		Timestamp         string
		SignatureVersion  string
		Signature         string
		SigningCertURL    string `json:"SigningCertUrl"`
		UnsubscribeURL    string `json:"UnsubscribeUrl"`
		MessageAttributes map[string]attributeValue
	}
}

func (m message) records(sub subscription) map[string][]lambdaRecord {
	certificate, unsubscribe := sub.links()
	r := lambdaRecord{EventSource: "aws:sns", EventVersion: "1.0", EventSubscriptionArn: sub.ARN}
	r.Sns.Type, r.Sns.MessageID, r.Sns.TopicARN = "Notification", m.ID, m.TopicARN
	if m.Subject != "" {
		r.Sns.Subject = &m.Subject
	}
	r.Sns.Message, r.Sns.Timestamp = m.text(sub.Protocol), m.timestamp()
	r.Sns.SignatureVersion, r.Sns.Signature = "1", unsigned
	r.Sns.SigningCertURL, r.Sns.UnsubscribeURL = certificate, unsubscribe
	r.Sns.MessageAttributes = m.values()
	return map[string][]lambdaRecord{"Records": {r}}
}

// Mail is an e-mail that SNS would have sent.
type Mail struct {
	To       string    `json:"to"`
	Subject  string    `json:"subject"`
	Body     string    `json:"body"`
	TopicARN string    `json:"topic_arn"`
	At       time.Time `json:"at"`
}

func (sub subscription) byMail() bool { return strings.HasPrefix(sub.Protocol, "email") }

func (m message) mail(sub subscription, displayName string) Mail {
	subject := m.Subject
	if subject == "" {
		subject = "AWS Notification Message"
	}
	if displayName != "" {
		subject = displayName + ": " + subject
	}
	return Mail{To: sub.Endpoint, Subject: subject, Body: m.text(sub.Protocol), TopicARN: m.TopicARN, At: m.At.Time}
}

func (s *Service) confirmationMail(sub subscription) Mail {
	return Mail{
		To: sub.Endpoint, Subject: "AWS Notification - Subscription Confirmation", TopicARN: sub.TopicARN, At: s.cfg.Clock.Now(),
		Body: fmt.Sprintf("To confirm this subscription: aws sns confirm-subscription --topic-arn %s --token %s", sub.TopicARN, sub.Token),
	}
}

// Outbox returns all e-mails, oldest first.
func (s *Service) Outbox() ([]Mail, error) {
	mails := []Mail{}
	err := s.outbox.Scan("", "", func(_ string, m Mail) bool {
		mails = append(mails, m)
		return true
	})
	return mails, err
}
