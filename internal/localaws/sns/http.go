package sns

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

const (
	// httpTimeout is how long a subscriber may take to answer.
	httpTimeout = 15 * time.Second
	// httpRetries and httpDelay are those of the default delivery policy.
	// https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html#creating-delivery-policy
	httpRetries = 3
	httpDelay   = 20 * time.Second
	// httpAtOnce is how many subscribers are called at a time.
	httpAtOnce = 16
)

func (sub subscription) byHTTP() bool { return strings.HasPrefix(sub.Protocol, "http") }

func (it item) byHTTP() bool { return it.Type != "" }

// The types of messages to a subscriber over HTTP.
const (
	typeNotification = "Notification"
	typeConfirmation = "SubscriptionConfirmation"
)

// confirmation asks a subscriber over HTTP whether it wants what it will get.
//
// https://docs.aws.amazon.com/sns/latest/dg/http-subscription-confirmation-json.html
func (s *Service) confirmation(sub subscription) (item, error) {
	now := s.cfg.Clock.Now()
	id := uuid.NewString()
	certificate, _ := sub.links()
	visit := s.cfg.URL() + "/?" + url.Values{"Action": {"ConfirmSubscription"}, "TopicArn": {sub.TopicARN}, "Token": {sub.Token}}.Encode()
	body, err := json.Marshal(map[string]string{
		"Type": typeConfirmation, "MessageId": id, "Token": sub.Token, "TopicArn": sub.TopicARN, "SubscribeURL": visit,
		"Message":   "You have chosen to subscribe to the topic " + sub.TopicARN + ".\nTo confirm the subscription, visit the SubscribeURL included in this message.",
		"Timestamp": now.UTC().Format("2006-01-02T15:04:05.000Z"), "SignatureVersion": "1", "Signature": unsigned, "SigningCertURL": certificate,
	})
	return item{
		Type: typeConfirmation, MessageID: id, Subscription: sub.ARN, Target: sub.Endpoint, TopicARN: sub.TopicARN, Body: body, Accepted: now, Due: now,
	}, err
}

// post calls a subscriber. It returns a *delivery.Error unless the answer is one of success; what the subscriber refuses is
// not tried again.
//
// https://docs.aws.amazon.com/sns/latest/dg/http-header.html
func (s *Service) post(ctx context.Context, it item) error {
	ctx, cancel := context.WithTimeout(ctx, httpTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, it.Target, bytes.NewReader(it.Body))
	if err != nil {
		return delivery.Errorf("INVALID_PARAMETER", "%v", err)
	}
	for name, value := range map[string]string{
		"Content-Type": "text/plain; charset=UTF-8", "User-Agent": "Amazon Simple Notification Service Agent", "x-amz-sns-message-type": it.Type,
		"x-amz-sns-message-id": it.MessageID, "x-amz-sns-topic-arn": it.TopicARN, "x-amz-sns-subscription-arn": it.Subscription,
	} {
		r.Header.Set(name, value)
	}
	if it.Raw {
		r.Header.Set("x-amz-sns-rawdelivery", "true")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return &delivery.Error{Code: "TIMEOUT", Message: err.Error(), Retryable: true}
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20)) // the connection is used again; what it says does not matter
	if res.StatusCode/100 == 2 {
		return nil
	}
	refused := res.StatusCode/100 == 4 && res.StatusCode != http.StatusTooManyRequests
	return &delivery.Error{Code: "ERROR_FROM_TARGET", Message: fmt.Sprintf("%s answered %s", it.Target, res.Status), Retryable: !refused}
}

// ServeConfirmation answers whoever visits the SubscribeURL of a confirmation. It needs no signature: the token is the proof.
func (s *Service) ServeConfirmation(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	out, err := s.confirmSubscription(r.Context(), ConfirmSubscriptionInput{TopicArn: query.Get("TopicArn"), Token: query.Get("Token")})
	if err != nil {
		status := http.StatusInternalServerError
		var refused *wire.Error
		if errors.As(err, &refused) {
			status = http.StatusBadRequest
		}
		http.Error(w, err.Error(), status)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, `<ConfirmSubscriptionResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><ConfirmSubscriptionResult><SubscriptionArn>%s</SubscriptionArn></ConfirmSubscriptionResult></ConfirmSubscriptionResponse>`, out.SubscriptionArn)
}
