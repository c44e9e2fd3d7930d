// Package wire speaks the AWS protocols: it finds out which operation a request calls, decodes its input, encodes its
// output or error, and knows nothing about what the services do.
//
// Protocols: https://smithy.io/2.0/aws/protocols/index.html
package wire

import (
	"context"
)

// Protocol is how a service encodes requests and responses.
type Protocol int

// The protocols in use.
const (
	JSON10 Protocol = iota + 1
	JSON11
	Query
	REST
	// rpcV2CBOR is what clients may speak to any service that has a Target.
	rpcV2CBOR
)

// Service is an AWS API: its identity on the wire and its operations.
type Service struct {
	// Name is the service name in the credential scope of a signature, such as "events".
	Name     string
	Protocol Protocol
	// Target is the prefix of X-Amz-Target, such as "AWSEvents" (JSON protocols).
	Target string
	// Version is the API version, such as "2010-05-08" (Query); Namespace is that of the XML answer. A JSON service that
	// has them is served under the Query protocol too, for clients of that age, with Flat saying which members it
	// flattens there.
	Version    string
	Namespace  string
	Flat       map[string]Flat
	Operations []Operation
	// Gaps say what the service as a whole does otherwise than AWS, one sentence each (docs/local-endpoint.md).
	Gaps []string
	// Access returns the permissions that a call needs; in is the decoded input. A nil answer, or no
	// Access at all, means the action "<service>:<operation>" on "*"; an empty one that no permission is needed.
	Access func(ctx context.Context, operation string, in any) []Access
}

// Access is a permission that a call needs. The Service Authorization Reference says which actions, resources and
// condition keys a service has.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
type Access struct {
	// Action is such as "sqs:SendMessage"; Resource is an ARN, or "*" for actions that have none.
	Action, Resource string
	// Context has the values of the condition keys of the service, such as "dynamodb:LeadingKeys".
	Context map[string][]string
}

// Operation is one call of a service.
type Operation struct {
	Name string
	// Method and Path are for REST: Path is a pattern such as "/2015-03-31/functions/{FunctionName}/code".
	Method, Path string
	// Gap says what the operation does otherwise than AWS; "" if nothing (docs/local-endpoint.md).
	Gap  string
	bind func(r *Request) (call, error)
}

// call is an operation with its decoded input.
type call struct {
	in  any
	run func(ctx context.Context) (any, error)
}

// But returns the operation with what it does otherwise than AWS, in a sentence.
func (o Operation) But(gap string) Operation {
	o.Gap = gap
	return o
}

// Op returns an operation of a JSON or Query service. I is a pointer-free struct whose exported fields carry the
// names of the AWS members (a `json` tag where the name differs); O likewise. Unknown members are ignored.
func Op[I, O any](name string, f func(ctx context.Context, in I) (O, error)) Operation {
	return Operation{Name: name, bind: func(r *Request) (call, error) {
		var in I
		err := r.decode(&in)
		return call{in, func(ctx context.Context) (any, error) { return f(ctx, in) }}, err
	}}
}

// Rest returns an operation of a REST service. Fields of I tagged `path:"Name"`, `query:"Name"` or
// `header:"Name"` are taken from there (string, *string, int, *int, bool, []string), a []byte field tagged
// `body:"raw"` gets the whole body, all others come from the JSON body. In O, a field tagged `header:"Name"` becomes
// a header, `status:""` (int) the status code, `body:"raw"` ([]byte) the whole body; the rest is the JSON body.
func Rest[I, O any](name, method, path string, f func(ctx context.Context, in I) (O, error)) Operation {
	op := Op(name, f)
	op.Method, op.Path = method, path
	return op
}

// Empty is the input or output of operations without members.
type Empty struct{}
