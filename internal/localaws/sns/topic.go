package sns

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// pageSize is how many entries a list returns at once.
const pageSize = 100

var namePattern = regexp.MustCompile(`^[\w-]{1,256}$`)

// topic is a topic as it is stored: Attributes holds those that were set.
type topic struct {
	ARN        string
	Attributes map[string]string
	Tags       []Tag
}

// Tag is a label of a topic.
type Tag struct{ Key, Value string }

// CreateTopicInput describes a topic.
type CreateTopicInput struct {
	Name       string
	Attributes map[string]string
	Tags       []Tag
}

// TopicARN names a topic.
type TopicARN struct {
	TopicArn string
}

func (s *Service) createTopic(_ context.Context, in CreateTopicInput) (out TopicARN, err error) {
	switch {
	case strings.HasSuffix(in.Name, ".fifo") || in.Attributes["FifoTopic"] == "true":
		return out, errParameter("FIFO topics are not implemented by this endpoint: use a standard topic")
	case !namePattern.MatchString(in.Name):
		return out, errParameter("Topic Name")
	}
	for name, value := range in.Attributes {
		if err := checkTopicAttribute(name, value); err != nil {
			return out, err
		}
	}
	t := topic{ARN: arn.New("sns", in.Name), Attributes: in.Attributes, Tags: in.Tags}
	if t.Attributes == nil {
		t.Attributes = map[string]string{}
	}
	if t.Attributes["Policy"] == "" {
		t.Attributes["Policy"] = defaultPolicy(t.ARN)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, exists, err := s.topics.Get(t.ARN)
	if err != nil {
		return out, err
	}
	if exists {
		for name, value := range in.Attributes {
			if name != "Policy" && old.Attributes[name] != value {
				return out, errParameter("Attributes Reason: Topic already exists with different attributes")
			}
		}
		if len(in.Tags) > 0 && !slices.Equal(old.Tags, in.Tags) {
			return out, errParameter("Tags Reason: Topic already exists with different tags")
		}
		return TopicARN{t.ARN}, nil
	}
	return TopicARN{t.ARN}, s.topics.Put(t.ARN, t)
}

// defaultPolicy is what a topic has from the start: its account may do everything with it.
// https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
func defaultPolicy(topicARN string) string {
	return `{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow",` +
		`"Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission",` +
		`"SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],` +
		`"Resource":"` + topicARN + `","Condition":{"StringEquals":{"AWS:SourceOwner":"` + arn.Account + `"}}}]}`
}

// checkTopicAttribute says whether an attribute can be set to value. Encryption and the settings of delivery logs have
// no effect here; they are kept for whoever reads them back.
func checkTopicAttribute(name, value string) error {
	switch name {
	case "Policy":
		if value == "" {
			return nil
		}
		if _, err := policy.Parse(policy.Resource, value); err != nil {
			return errParameter("Policy Error: %v", err)
		}
		return nil
	case "DisplayName", "KmsMasterKeyId", "SignatureVersion", "TracingConfig":
		return nil
	case "DeliveryPolicy":
		if value != "" {
			return errParameter("DeliveryPolicy is not implemented by this endpoint")
		}
		return nil
	case "FifoTopic", "ContentBasedDeduplication", "ArchivePolicy", "FifoThroughputScope":
		if value == "" || value == "false" {
			return nil
		}
		return errParameter("%s is for FIFO topics, which are not implemented by this endpoint", name)
	}
	for _, protocol := range []string{"Application", "Firehose", "HTTP", "Lambda", "SQS"} {
		switch strings.TrimPrefix(name, protocol) {
		case "SuccessFeedbackSampleRate", "SuccessFeedbackRoleArn", "FailureFeedbackRoleArn":
			return nil
		}
	}
	return errParameter("AttributeName: %s", name)
}

func (s *Service) topic(topicARN string) (topic, error) {
	if topicARN == "" {
		return topic{}, errParameter("TopicArn")
	}
	t, ok, err := s.topics.Get(topicARN)
	if err == nil && !ok {
		err = errNotFound("Topic")
	}
	return t, err
}

// AttributesOutput is the answer with all attributes.
type AttributesOutput struct{ Attributes map[string]string }

func (s *Service) getTopicAttributes(_ context.Context, in TopicARN) (out AttributesOutput, err error) {
	t, err := s.topic(in.TopicArn)
	if err != nil {
		return out, err
	}
	confirmed, pending := 0, 0
	err = s.subscriptions.Scan(t.ARN+"|", "", func(_ string, sub subscription) bool {
		if sub.Token == "" {
			confirmed++
		} else {
			pending++
		}
		return true
	})
	out.Attributes = map[string]string{
		"TopicArn": t.ARN, "Owner": arn.Account, "DisplayName": "", "SubscriptionsDeleted": "0",
		"SubscriptionsConfirmed": strconv.Itoa(confirmed), "SubscriptionsPending": strconv.Itoa(pending),
		"EffectiveDeliveryPolicy": `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`,
	}
	maps.Copy(out.Attributes, t.Attributes)
	return out, err
}

// SetTopicAttributesInput sets one attribute; an empty value removes it.
type SetTopicAttributesInput struct {
	TopicArn, AttributeName, AttributeValue string
}

func (s *Service) setTopicAttributes(_ context.Context, in SetTopicAttributesInput) (out wire.Empty, err error) {
	if err := checkTopicAttribute(in.AttributeName, in.AttributeValue); err != nil {
		return out, err
	}
	return out, s.changeTopic(in.TopicArn, func(t *topic) {
		switch {
		case in.AttributeValue != "":
			t.Attributes[in.AttributeName] = in.AttributeValue
		case in.AttributeName == "Policy":
			t.Attributes["Policy"] = defaultPolicy(t.ARN)
		default:
			delete(t.Attributes, in.AttributeName)
		}
	})
}

func (s *Service) changeTopic(topicARN string, f func(*topic)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.topic(topicARN)
	if err != nil {
		return err
	}
	f(&t)
	return s.topics.Put(topicARN, t)
}

// deleteTopic removes the topic and its subscriptions. To remove what does not exist is no error.
func (s *Service) deleteTopic(_ context.Context, in TopicARN) (out wire.Empty, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []string
	err = s.subscriptions.Scan(in.TopicArn+"|", "", func(key string, _ subscription) bool {
		keys = append(keys, key)
		return true
	})
	if err != nil {
		return out, err
	}
	return out, s.cfg.Store.Update(func(tx *state.Tx) error {
		s.topics.DeleteTx(tx, in.TopicArn)
		for _, key := range keys {
			s.subscriptions.DeleteTx(tx, key)
		}
		return nil
	})
}

// PageInput asks for a page of a list.
type PageInput struct{ TopicArn, NextToken string }

// ListTopicsOutput is a page of topics.
type ListTopicsOutput struct {
	Topics    []TopicARN
	NextToken string `json:",omitempty"`
}

func (s *Service) listTopics(_ context.Context, in PageInput) (out ListTopicsOutput, err error) {
	err = s.topics.Scan("", in.NextToken, func(key string, t topic) bool {
		if len(out.Topics) == pageSize {
			out.NextToken = key
			return false
		}
		out.Topics = append(out.Topics, TopicARN{t.ARN})
		return true
	})
	return out, err
}

// TagInput names a topic and its labels to set or to remove.
type TagInput struct {
	ResourceArn string
	Tags        []Tag
	TagKeys     []string
}

// TagsOutput lists labels.
type TagsOutput struct{ Tags []Tag }

func errNoResource() *wire.Error {
	e := wire.Errorf("ResourceNotFound", "Resource does not exist")
	e.Status = 404
	return e
}

func (s *Service) listTags(_ context.Context, in TagInput) (TagsOutput, error) {
	t, ok, err := s.topics.Get(in.ResourceArn)
	if err == nil && !ok {
		err = errNoResource()
	}
	return TagsOutput{t.Tags}, err
}

func (s *Service) tag(_ context.Context, in TagInput) (out wire.Empty, err error) {
	if _, ok, err := s.topics.Get(in.ResourceArn); err != nil || !ok {
		if err == nil {
			err = errNoResource()
		}
		return out, err
	}
	return out, s.changeTopic(in.ResourceArn, func(t *topic) {
		t.Tags = slices.DeleteFunc(t.Tags, func(tag Tag) bool {
			return slices.Contains(in.TagKeys, tag.Key) || slices.ContainsFunc(in.Tags, func(n Tag) bool { return n.Key == tag.Key })
		})
		t.Tags = append(t.Tags, in.Tags...)
	})
}

func (s *Service) untag(ctx context.Context, in TagInput) (wire.Empty, error) { return s.tag(ctx, in) }

// redriveTarget returns the queue of a redrive policy.
func redriveTarget(document string) (string, error) {
	var p struct {
		DeadLetterTargetARN string `json:"deadLetterTargetArn"`
	}
	err := json.Unmarshal([]byte(document), &p)
	if err != nil || p.DeadLetterTargetARN == "" {
		return "", errParameter("RedrivePolicy: want {\"deadLetterTargetArn\": \"arn:aws:sqs:…\"}")
	}
	return p.DeadLetterTargetARN, nil
}
