package sns_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
)

// called is a request that a subscriber got.
type called struct {
	header http.Header
	body   string
}

// subscriber is a server over HTTP that answers with what is in statuses, then with 200.
func subscriber(t *testing.T, statuses ...int) (url string, calls chan called) {
	t.Helper()
	calls = make(chan called, 100)
	answers := make(chan int, len(statuses))
	for _, s := range statuses {
		answers <- s
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		status := http.StatusOK
		if r.Header.Get("x-amz-sns-message-type") == "Notification" {
			select {
			case status = <-answers:
			default:
			}
		}
		w.WriteHeader(status)
		calls <- called{r.Header, string(body)}
	}))
	t.Cleanup(server.Close)
	return server.URL, calls
}

// confirm visits the address that a subscriber was told.
func confirm(t *testing.T, b *bench, c called) int {
	t.Helper()
	var asked struct{ Type, SubscribeURL, Token string }
	if err := json.Unmarshal([]byte(c.body), &asked); err != nil || asked.Type != "SubscriptionConfirmation" || asked.Token == "" {
		t.Fatalf("the first message is %s, %v", c.body, err)
	}
	answer := httptest.NewRecorder()
	b.service.ServeConfirmation(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, asked.SubscribeURL, http.NoBody))
	return answer.Code
}

func TestASubscriberOverHTTPConfirmsAndGetsMessages(t *testing.T) {
	b := newBench(t)
	b.topic(t)
	url, calls := subscriber(t)
	b.subscribe(t, "http", url, nil)
	first := <-calls
	if got := first.header.Get("x-amz-sns-message-type"); got != "SubscriptionConfirmation" {
		t.Errorf("the first message is a %s", got)
	}
	if code := confirm(t, b, first); code != http.StatusOK {
		t.Fatalf("the SubscribeURL answers %d", code)
	}
	if code := confirm(t, b, first); code != http.StatusBadRequest {
		t.Errorf("a token that was used answers %d, want 400", code)
	}
	if _, err := b.Publish(t.Context(), &awssns.PublishInput{TopicArn: aws.String(topicARN), Subject: aws.String("s"), Message: aws.String("hello")}); err != nil {
		t.Fatal(err)
	}
	got := <-calls
	if got.header.Get("x-amz-sns-message-type") != "Notification" || got.header.Get("x-amz-sns-topic-arn") != topicARN || got.header.Get("Content-Type") != "text/plain; charset=UTF-8" ||
		!strings.Contains(got.body, `"Message":"hello"`) || !strings.Contains(got.body, `"Subject":"s"`) {
		t.Errorf("the message is %+v", got)
	}
}

func TestRawMessagesOverHTTPAreTheTextAlone(t *testing.T) {
	b := newBench(t)
	b.topic(t)
	url, calls := subscriber(t)
	b.subscribe(t, "http", url, map[string]string{"RawMessageDelivery": "true"})
	confirm(t, b, <-calls)
	if _, err := b.Publish(t.Context(), &awssns.PublishInput{TopicArn: aws.String(topicARN), Message: aws.String("hello")}); err != nil {
		t.Fatal(err)
	}
	if got := <-calls; got.body != "hello" || got.header.Get("x-amz-sns-rawdelivery") != "true" {
		t.Errorf("the message is %+v", got)
	}
}

func TestWhatASubscriberOverHTTPFailsOn(t *testing.T) {
	tests := map[string]struct {
		statuses []int
		calls    int
		dead     bool
	}{
		"an error passes":                   {[]int{500, 503}, 3, false},
		"too many requests pass":            {[]int{429}, 2, false},
		"errors that stay":                  {[]int{500, 500, 500, 500, 500}, 4, true},
		"what is refused is not sent again": {[]int{404}, 1, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.topic(t)
			url, calls := subscriber(t, tt.statuses...)
			b.subscribe(t, "http", url, map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + queueARN + `"}`})
			confirm(t, b, <-calls)
			if _, err := b.Publish(t.Context(), &awssns.PublishInput{TopicArn: aws.String(topicARN), Message: aws.String("m")}); err != nil {
				t.Fatal(err)
			}
			<-calls
			for n := 1; n < tt.calls; {
				b.clock.Set(b.clock.Now().Add(21 * time.Second)) // the default policy waits 20
				select {
				case <-calls:
					n++
				case <-time.After(20 * time.Millisecond): // not stored as failed yet
				}
			}
			if tt.dead {
				if got := b.next(t); got.target != queueARN {
					t.Errorf("sent to %s, want the dead letter queue", got.target)
				}
			}
			if len(calls) > 0 {
				t.Errorf("%d calls too many", len(calls))
			}
		})
	}
}
