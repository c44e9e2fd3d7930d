package sns_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

func TestFilterPolicies(t *testing.T) {
	text := func(dataType, value string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: &dataType, StringValue: &value}
	}
	store := map[string]types.MessageAttributeValue{
		"store": text("String", "here"), "price": text("Number", "99.5"), "tags": text("String.Array", `["new", "red"]`),
	}
	tests := map[string]struct {
		policy, scope string
		attributes    map[string]types.MessageAttributeValue
		body          string
		want          bool
	}{
		"no policy":                    {"", "", nil, "m", true},
		"an empty policy":              {"{}", "", nil, "m", true},
		"an attribute":                 {`{"store": ["here", "there"]}`, "", store, "m", true},
		"another value":                {`{"store": ["there"]}`, "", store, "m", false},
		"an attribute that is missing": {`{"colour": ["red"]}`, "", store, "m", false},
		"that must be missing":         {`{"colour": [{"exists": false}]}`, "", store, "m", true},
		"a number in a range":          {`{"price": [{"numeric": [">", 50, "<=", 100]}]}`, "", store, "m", true},
		"a number beyond it":           {`{"price": [{"numeric": [">", 100]}]}`, "", store, "m", false},
		"one of an array":              {`{"tags": ["red"]}`, "", store, "m", true},
		"a prefix":                     {`{"store": [{"prefix": "he"}]}`, "", store, "m", true},
		"anything but":                 {`{"store": [{"anything-but": ["here"]}]}`, "", store, "m", false},
		"all must hold":                {`{"store": ["here"], "price": [1]}`, "", store, "m", false},
		"attributes, not the body":     {`{"store": ["here"]}`, "MessageAttributes", nil, `{"store": "here"}`, false},
		"the body":                     {`{"order": {"store": ["here"]}}`, "MessageBody", nil, `{"order": {"store": "here"}}`, true},
		"another body":                 {`{"order": {"store": ["there"]}}`, "MessageBody", store, `{"order": {"store": "here"}}`, false},
		"a body that is no JSON":       {`{"store": ["here"]}`, "MessageBody", store, "here", false},
		"an array that cannot be read": {`{"tags": [{"exists": true}]}`, "", map[string]types.MessageAttributeValue{"tags": text("String.Array", "[")}, "m", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.topic(t)
			attributes := map[string]string{}
			if tt.policy != "" {
				attributes["FilterPolicy"] = tt.policy
			}
			if tt.scope != "" {
				attributes["FilterPolicyScope"] = tt.scope
			}
			attributes["RawMessageDelivery"] = "true"
			subscription := b.subscribe(t, "sqs", queueARN, attributes)
			if _, err := b.Publish(t.Context(), &awssns.PublishInput{TopicArn: aws.String(topicARN), Message: &tt.body, MessageAttributes: tt.attributes}); err != nil {
				t.Fatal(err)
			}
			// What comes first, the message or one that everybody gets?
			if _, err := b.SetSubscriptionAttributes(t.Context(), &awssns.SetSubscriptionAttributesInput{SubscriptionArn: &subscription, AttributeName: aws.String("FilterPolicy"), AttributeValue: aws.String("{}")}); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Publish(t.Context(), &awssns.PublishInput{TopicArn: aws.String(topicARN), Message: aws.String("end")}); err != nil {
				t.Fatal(err)
			}
			if got := string(b.next(t).Body) != "end"; got != tt.want {
				t.Errorf("passes: %t, want %t", got, tt.want)
			}
		})
	}
}
