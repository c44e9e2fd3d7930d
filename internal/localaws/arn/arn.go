// Package arn builds and reads the ARNs of the endpoint's one account and region.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
package arn

import (
	"fmt"
	"strings"
)

// Account and Region are those of every resource of the endpoint.
const (
	Account = "000000000000"
	Region  = "us-east-1"
)

// ARN is a parsed ARN.
type ARN struct {
	Partition, Service, Region, Account, Resource string
}

// New returns the ARN of a regional resource of the endpoint's account: New("sqs", "orders").
func New(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, Region, Account, resource)
}

// Global returns the ARN of a resource without a region: Global("iam", "role/x").
func Global(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s::%s:%s", service, Account, resource)
}

// FunctionName returns the name of the Lambda function that the ARN s, with or without a qualifier, stands for, or "".
func FunctionName(s string) string {
	a, ok := Parse(s)
	name, isFunction := strings.CutPrefix(a.Resource, "function:")
	if !ok || a.Service != "lambda" || !isFunction {
		return ""
	}
	name, _, _ = strings.Cut(name, ":")
	return name
}

// Parse splits s; ok is false if it is not an ARN.
func Parse(s string) (a ARN, ok bool) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[1] == "" || parts[2] == "" || parts[5] == "" {
		return ARN{}, false
	}
	return ARN{Partition: parts[1], Service: parts[2], Region: parts[3], Account: parts[4], Resource: parts[5]}, true
}
