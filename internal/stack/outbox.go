package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Address is the one to which a local stack's mails go. They stay in the endpoint's outbox.
const Address = "trader@example.com"

// Mail is an e-mail that a topic would have sent.
type Mail struct {
	To       string    `json:"to"`
	Subject  string    `json:"subject"`
	Body     string    `json:"body"`
	TopicARN string    `json:"topic_arn"`
	At       time.Time `json:"at"`
}

// Token returns the token by which a subscription is confirmed, if that is what the mail asks for.
func (m Mail) Token() (token string, ok bool) {
	_, token, ok = strings.Cut(m.Body, "--token ")
	return token, ok
}

// Outbox returns the mails that the topics of the stack would have sent, oldest first.
func (r Record) Outbox(ctx context.Context) ([]Mail, error) {
	var answer struct{ Mails []Mail }
	if err := r.Control(ctx, "outbox", &answer); err != nil {
		return nil, err
	}
	return answer.Mails, nil
}

// Control reads what the endpoint tells by its own API, for which AWS has none.
func (r Record) Control(ctx context.Context, name string, answer any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL+"/_alchemiser/"+name, http.NoBody)
	if err != nil {
		return fmt.Errorf("ask the endpoint: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask the endpoint: %w; is the stack running? `make up` starts one", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("ask the endpoint %s for %s: %s", r.URL, name, res.Status)
	}
	if err := json.NewDecoder(res.Body).Decode(answer); err != nil {
		return fmt.Errorf("answer of the endpoint: %w", err)
	}
	return nil
}
