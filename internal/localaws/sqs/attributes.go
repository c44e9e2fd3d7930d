package sqs

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
)

// Limits of a message, which a queue may lower. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const (
	maxMessageBytes = 1 << 20
	maxVisibility   = 12 * 60 * 60
)

// numeric lists the attributes that are numbers, with the range that AWS accepts and the value of a new queue.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
var numeric = map[string]struct{ least, most, initial int }{
	"DelaySeconds":                  {0, 900, 0},
	"MaximumMessageSize":            {1024, maxMessageBytes, maxMessageBytes},
	"MessageRetentionPeriod":        {60, 1209600, 345600},
	"ReceiveMessageWaitTimeSeconds": {0, 20, 0},
	"VisibilityTimeout":             {0, maxVisibility, 30},
}

// computed are the attributes that a request may ask for but not set.
var computed = []string{
	"QueueArn", "CreatedTimestamp", "LastModifiedTimestamp", "ApproximateNumberOfMessages",
	"ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible",
}

// optional are the attributes that a queue may lack.
var optional = []string{
	"Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds",
	"SqsManagedSseEnabled", "FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit",
}

// attributes are what a queue was created or changed with, defaults included.
type attributes map[string]string

func defaultAttributes() attributes {
	a := attributes{"SqsManagedSseEnabled": "true"}
	for name, n := range numeric {
		a[name] = strconv.Itoa(n.initial)
	}
	return a
}

// with returns a changed copy; a refused change leaves nothing behind. Setting a document to "" removes it.
func (a attributes) with(change map[string]string) (attributes, error) {
	next := make(attributes, len(a)+len(change))
	for k, v := range a {
		next[k] = v
	}
	for name, value := range change {
		if err := next.set(name, value); err != nil {
			return nil, err
		}
	}
	if change["KmsMasterKeyId"] != "" {
		if change["SqsManagedSseEnabled"] == "true" {
			return nil, errAttributeName("You can use one type of server-side encryption (SSE) at one time. " +
				"You can either enable KMS SSE or SQS SSE.")
		}
		next["SqsManagedSseEnabled"] = "false"
	}
	return next, nil
}

func (a attributes) set(name, value string) error {
	if n, ok := numeric[name]; ok {
		i, err := strconv.Atoi(value)
		if err != nil || i < n.least || i > n.most {
			return errAttributeValue(name)
		}
		a[name] = strconv.Itoa(i)
		return nil
	}
	switch name {
	case "Policy", "RedrivePolicy", "RedriveAllowPolicy":
		if value == "" {
			delete(a, name)
			return nil
		}
		return a.setDocument(name, value)
	case "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds":
		if value == "" {
			delete(a, name)
			return nil
		}
	case "SqsManagedSseEnabled":
		if value != "true" && value != "false" {
			return errAttributeValue(name)
		}
		if value == "true" {
			delete(a, "KmsMasterKeyId")
			delete(a, "KmsDataKeyReusePeriodSeconds")
		}
	case "DeduplicationScope", "FifoThroughputLimit":
		return errAttributeName("You can specify the %s only when FifoQueue is set to true.", name)
	default:
		return errAttributeName("Unknown Attribute %s.", name)
	}
	a[name] = value
	return nil
}

func (a attributes) setDocument(name, value string) error {
	var doc map[string]any
	if err := json.Unmarshal([]byte(value), &doc); err != nil {
		return errAttributeValue(name)
	}
	a[name] = value
	switch name {
	case "Policy":
		if _, err := policy.Parse(policy.Resource, value); err != nil {
			return errParameter(value, name, err.Error())
		}
	case "RedrivePolicy":
		if _, ok := a.redrive(); !ok {
			return errParameter(value, name, "Redrive policy must name a deadLetterTargetArn of this account and region "+
				"and a maxReceiveCount between 1 and 1000.")
		}
	}
	return nil
}

// access returns the policy; without one, nobody but the account itself has access.
func (a attributes) access() policy.Document {
	if a["Policy"] == "" {
		return policy.Document{}
	}
	doc, err := policy.Parse(policy.Resource, a["Policy"])
	if err != nil {
		return policy.Document{} // set has refused it before; what cannot be read allows nothing
	}
	return doc
}

func (a attributes) seconds(name string) time.Duration {
	return time.Duration(a.number(name)) * time.Second
}

// number returns a numeric attribute; set has made sure that it is one.
func (a attributes) number(name string) int {
	n, err := strconv.Atoi(a[name])
	if err != nil {
		return numeric[name].initial
	}
	return n
}

// redrivePolicy says where messages go that were received too often.
type redrivePolicy struct {
	target     string
	maxReceive int
}

// redrive returns the parsed RedrivePolicy; ok is false if there is none. AWS takes the count as number or string.
func (a attributes) redrive() (p redrivePolicy, ok bool) {
	var doc struct {
		Target string      `json:"deadLetterTargetArn"`
		Max    json.Number `json:"maxReceiveCount"`
	}
	if json.Unmarshal([]byte(a["RedrivePolicy"]), &doc) != nil {
		return p, false
	}
	n, err := strconv.Atoi(doc.Max.String())
	if err != nil || n < 1 || n > 1000 {
		return p, false
	}
	target, ok := arn.Parse(doc.Target)
	if !ok || target.Service != "sqs" || target.Account != arn.Account || target.Region != arn.Region {
		return p, false
	}
	return redrivePolicy{target: doc.Target, maxReceive: n}, true
}

// admits reports whether the RedriveAllowPolicy lets the queue source use this one as its dead letter queue.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
func (a attributes) admits(source string) bool {
	var doc struct {
		Permission string   `json:"redrivePermission"`
		Sources    []string `json:"sourceQueueArns"`
	}
	if json.Unmarshal([]byte(a["RedriveAllowPolicy"]), &doc) != nil {
		return true
	}
	switch doc.Permission {
	case "denyAll":
		return false
	case "byQueue":
		return slices.Contains(doc.Sources, source)
	}
	return true
}

// known reports whether name is an attribute of a standard queue.
func known(name string) bool {
	_, isNumber := numeric[name]
	return isNumber || slices.Contains(computed, name) || slices.Contains(optional, name)
}

var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)
