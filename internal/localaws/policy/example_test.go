package policy_test

import (
	"fmt"

	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
)

// A queue's policy is asked whether a rule may send to it.
func Example() {
	doc, err := policy.Parse(policy.Resource, `{"Version": "2012-10-17", "Statement": {
		"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*",
		"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:events:*:*:rule/orders-*"}}}}`)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, rule := range []string{"orders-placed", "news"} {
		r := policy.ServiceRequest("events.amazonaws.com", "sqs:SendMessage", "arn:aws:sqs:us-east-1:000000000000:q",
			"arn:aws:events:us-east-1:000000000000:rule/"+rule, "000000000000")
		fmt.Println(rule, policy.Evaluate([]policy.Document{doc}, r) == policy.Allow)
	}
	// Output:
	// orders-placed true
	// news false
}
