package sqs

import "github.com/the-alchemiser/alchemiser/internal/localaws/wire"

// apiVersion and namespace are those of the query protocol, which clients from before 2024 speak; the AWS CLI of
// Debian 12 is one.
const (
	apiVersion = "2012-11-05"
	namespace  = "http://queue.amazonaws.com/doc/2012-11-05/"
)

// flattened says how the query protocol spells lists and maps.
func flattened() map[string]wire.Flat {
	list := func(element string) wire.Flat { return wire.Flat{Element: element} }
	tags := wire.Flat{Element: "Tag", Key: "Key", Value: "Value"}
	return map[string]wire.Flat{
		"AWSAccountIds":               list("AWSAccountId"),
		"Actions":                     list("ActionName"),
		"AttributeNames":              list("AttributeName"),
		"Attributes":                  {Element: "Attribute", Key: "Name", Value: "Value"},
		"Entries":                     list("*RequestEntry"),
		"Failed":                      list("BatchResultErrorEntry"),
		"MessageAttributeNames":       list("MessageAttributeName"),
		"MessageAttributes":           {Element: "MessageAttribute", Key: "Name", Value: "Value"},
		"MessageSystemAttributeNames": list("MessageSystemAttributeName"),
		"MessageSystemAttributes":     {Element: "MessageSystemAttribute", Key: "Name", Value: "Value"},
		"Messages":                    list("Message"),
		"QueueUrls":                   list("QueueUrl"),
		"Successful":                  list("*ResultEntry"),
		"TagKeys":                     list("TagKey"),
		"Tags":                        tags,
		"queueUrls":                   list("QueueUrl"),
		"tags":                        tags,
	}
}
