package deadletters

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/the-alchemiser/alchemiser/internal/deadletter"
)

// Letter is a message of a dead letter queue, in words.
type Letter struct {
	// Queue is the function's name, or Bus.
	Queue     string    `json:"queue"`
	MessageID string    `json:"message_id"`
	SentAt    time.Time `json:"sent_at"`
	// EventType, EventID and CorrelationID are empty if the message does not tell.
	EventType     string `json:"event_type,omitempty"`
	EventID       string `json:"event_id,omitempty"`
	CorrelationID string `json:"correlation_id,omitempty"`
	// Shape is how the event came here: undelivered, failed, refused; or unknown.
	Shape string `json:"shape"`
	// Attempts is how often the function was invoked, 0 if that is not known.
	Attempts int `json:"attempts,omitempty"`
	// Why is one readable line.
	Why string `json:"why"`
	// Body and Attributes are the message as it is.
	Body       string            `json:"body"`
	Attributes map[string]string `json:"attributes,omitempty"`

	// Parsed is nil for a message of no known shape.
	Parsed  *deadletter.Letter `json:"-"`
	receipt string
}

func newLetter(queue string, m types.Message) Letter {
	l := Letter{
		Queue: queue, MessageID: aws.ToString(m.MessageId), SentAt: sentAt(m), Body: aws.ToString(m.Body), Attributes: map[string]string{},
		Shape: "unknown", receipt: aws.ToString(m.ReceiptHandle),
	}
	for name, value := range m.MessageAttributes {
		l.Attributes[name] = aws.ToString(value.StringValue)
	}
	parsed, err := deadletter.Parse([]byte(l.Body), l.Attributes)
	if err != nil {
		l.Why = oneLine(err.Error())
		return l
	}
	l.Parsed, l.Shape, l.EventID, l.Attempts, l.Why = &parsed, string(parsed.Shape), parsed.EventID, parsed.Attempts, why(parsed, l.Attributes)
	var event struct {
		DetailType string `json:"detail-type"`
		Detail     struct {
			EventID       string `json:"event_id"`
			EventType     string `json:"event_type"`
			CorrelationID string `json:"correlation_id"`
		} `json:"detail"`
	}
	if json.Unmarshal(parsed.Event, &event) == nil { // what is no event has neither type nor workflow
		l.EventType, l.CorrelationID = cmp.Or(event.DetailType, event.Detail.EventType), event.Detail.CorrelationID
		l.EventID = cmp.Or(l.EventID, event.Detail.EventID)
	}
	return l
}

func sentAt(m types.Message) time.Time {
	ms, err := strconv.ParseInt(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// why says in one line what a person needs to know first.
func why(l deadletter.Letter, attributes map[string]string) string {
	switch l.Shape {
	case deadletter.ShapeUndelivered:
		text := "EventBridge could not deliver it"
		if schedule := attributes["SCHEDULE_ARN"]; schedule != "" {
			text = "Scheduler could not deliver it"
		}
		if n := attributes["RETRY_ATTEMPTS"]; n != "" && n != "0" {
			text += " in " + n + " more attempts"
		}
		return oneLine(text + ": " + l.Reason)
	case deadletter.ShapeFailed:
		return oneLine(fmt.Sprintf("failed %d times, the last time: %s", max(l.Attempts, 1), l.Reason))
	case deadletter.ShapeRefused:
		return oneLine("can never be handled: " + l.Reason)
	default:
		return oneLine(l.Reason)
	}
}

// maxWhy is how many characters of a reason stand in a line; the message has all of it.
const maxWhy = 300

func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > maxWhy {
		return string(runes[:maxWhy]) + "…"
	}
	return text
}

// Named says whether id is the letter's: of its event, its message or its workflow.
func (l Letter) Named(id string) bool {
	return id != "" && (l.EventID == id || l.MessageID == id || l.CorrelationID == id)
}

func (l Letter) name() string { return cmp.Or(l.EventID, "message "+l.MessageID) }
