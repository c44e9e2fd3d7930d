package sqs_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// The forms and answers are those of the AWS CLI 2.9 that Debian 12 packages.
func TestClientsOfTheQueryProtocol(t *testing.T) {
	e := serve(t, memory(t))
	q := *e.create(t, "q", nil)
	for _, tt := range []struct {
		action string
		form   url.Values
		want   string
	}{
		{"CreateQueue", url.Values{
			"QueueName": {"other"}, "Attribute.1.Name": {"VisibilityTimeout"}, "Attribute.1.Value": {"7"}, "Tag.1.Key": {"k"}, "Tag.1.Value": {"v"},
		}, "<CreateQueueResult><QueueUrl>"},
		{"ListQueues", nil, "<ListQueuesResult><QueueUrl>"},
		{"ListQueueTags", url.Values{"QueueUrl": {strings.TrimSuffix(q, "q") + "other"}}, "<Tag><Key>k</Key><Value>v</Value></Tag>"},
		{
			"GetQueueAttributes",
			url.Values{"QueueUrl": {strings.TrimSuffix(q, "q") + "other"}, "AttributeName.1": {"VisibilityTimeout"}},
			"<GetQueueAttributesResult><Attribute><Name>VisibilityTimeout</Name><Value>7</Value></Attribute></GetQueueAttributesResult>",
		},
		{"SetQueueAttributes", url.Values{"QueueUrl": {q}, "Attribute.1.Name": {"VisibilityTimeout"}, "Attribute.1.Value": {"0"}}, "<SetQueueAttributesResult>"},
		{"SendMessage", url.Values{
			"QueueUrl": {q}, "MessageBody": {"a<b"}, "MessageAttribute.1.Name": {"n"},
			"MessageAttribute.1.Value.DataType": {"String"}, "MessageAttribute.1.Value.StringValue": {"w"},
		}, "<MD5OfMessageAttributes>"},
		{
			"SendMessageBatch",
			url.Values{"QueueUrl": {q}, "SendMessageBatchRequestEntry.1.Id": {"1"}, "SendMessageBatchRequestEntry.1.MessageBody": {"x"}},
			"<SendMessageBatchResultEntry><Id>1</Id>",
		},
		{
			"ReceiveMessage",
			url.Values{"QueueUrl": {q}, "AttributeName.1": {"SenderId"}, "MessageAttributeName.1": {"All"}},
			"<Attribute><Name>SenderId</Name>",
		},
		{
			"ReceiveMessage",
			url.Values{"QueueUrl": {q}, "MessageAttributeName.1": {"All"}, "MaxNumberOfMessages": {"10"}},
			"<MessageAttribute><Name>n</Name><Value><DataType>String</DataType><StringValue>w</StringValue></Value></MessageAttribute>",
		},
		{"GetQueueUrl", url.Values{"QueueName": {"none"}}, "<Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code>"},
	} {
		if body := e.post(t, tt.action, tt.form); !strings.Contains(body, tt.want) {
			t.Errorf("%s: want %s in\n%s", tt.action, tt.want, body)
		}
	}
}

func (e endpoint) post(t *testing.T, action string, form url.Values) string {
	t.Helper()
	if form == nil {
		form = url.Values{}
	}
	form.Set("Action", action)
	form.Set("Version", "2012-11-05")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, *e.Options().BaseEndpoint, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=00")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
