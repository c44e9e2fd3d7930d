package events

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// PutPermissionInput is the input of PutPermission: a whole policy or the parts of one statement.
type PutPermissionInput struct {
	EventBusName string
	Policy       string
	StatementId  string
	Action       string
	Principal    string
	Condition    *struct{ Type, Key, Value string }
}

// statement is one of a policy, in the order in which AWS writes it.
type statement struct {
	Sid, Effect string
	Principal   any
	Action      string
	Resource    string
	Condition   any `json:",omitempty"`
}

// policy keeps statements as they were given.
type policy struct {
	Version   string
	Statement []json.RawMessage
}

func (p policy) without(sid string) []json.RawMessage {
	return slices.DeleteFunc(slices.Clone(p.Statement), func(raw json.RawMessage) bool {
		var s struct{ Sid string }
		return json.Unmarshal(raw, &s) == nil && s.Sid == sid
	})
}

func (b bus) policy() (policy, error) {
	p := policy{Version: "2012-10-17"}
	if len(b.Policy) == 0 {
		return p, nil
	}
	return p, json.Unmarshal(b.Policy, &p)
}

func (s *Service) putPermission(_ context.Context, in PutPermissionInput) (wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, refused := s.bus(in.EventBusName)
	if refused != nil {
		return wire.Empty{}, refused
	}
	if in.Policy != "" {
		var p struct{ Statement json.RawMessage }
		if err := json.Unmarshal([]byte(in.Policy), &p); err != nil || p.Statement == nil {
			return wire.Empty{}, invalid("This policy contains invalid Json")
		}
		b.Policy, b.Modified = json.RawMessage(in.Policy), s.now()
		return wire.Empty{}, s.putBus(b)
	}
	next, refused := in.statement(b)
	if refused != nil {
		return wire.Empty{}, refused
	}
	p, err := b.policy()
	if err != nil {
		return wire.Empty{}, invalid("The policy of event bus %s has no list of statements: replace it as a whole.", b.Name)
	}
	raw, err := json.Marshal(next)
	if err != nil {
		return wire.Empty{}, err
	}
	p.Statement = append(p.without(next.Sid), raw)
	if b.Policy, err = json.Marshal(p); err != nil {
		return wire.Empty{}, err
	}
	b.Modified = s.now()
	return wire.Empty{}, s.putBus(b)
}

func (in PutPermissionInput) statement(b bus) (statement, *wire.Error) {
	if in.StatementId == "" || in.Principal == "" || in.Action == "" {
		return statement{}, invalid("Parameter(s) StatementId, Action and Principal or Policy must be specified.")
	}
	if in.Action != "events:PutEvents" {
		return statement{}, invalid("Provided value in parameter 'action' is not supported.")
	}
	out := statement{
		Sid: in.StatementId, Effect: "Allow", Principal: in.Principal, Action: in.Action, Resource: b.arn(),
	}
	if in.Principal != "*" {
		if !regexp.MustCompile(`^\d{12}$`).MatchString(in.Principal) {
			return statement{}, constraint(in.Principal, "principal", `satisfy regular expression pattern: (\d{12}|\*)`)
		}
		out.Principal = map[string]string{"AWS": "arn:aws:iam::" + in.Principal + ":root"}
	}
	if c := in.Condition; c != nil {
		out.Condition = map[string]map[string]string{c.Type: {c.Key: c.Value}}
	}
	return out, nil
}

// RemovePermissionInput is the input of RemovePermission.
type RemovePermissionInput struct {
	EventBusName         string
	StatementId          string
	RemoveAllPermissions bool
}

func (s *Service) removePermission(_ context.Context, in RemovePermissionInput) (wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, refused := s.bus(in.EventBusName)
	if refused != nil {
		return wire.Empty{}, refused
	}
	b.Modified = s.now()
	if in.RemoveAllPermissions {
		b.Policy = nil
		return wire.Empty{}, s.putBus(b)
	}
	missing := notFound("Statement with the provided id does not exist.")
	p, err := b.policy()
	if err != nil {
		return wire.Empty{}, missing
	}
	rest := p.without(in.StatementId)
	if len(rest) == len(p.Statement) {
		return wire.Empty{}, missing
	}
	b.Policy = nil
	if p.Statement = rest; len(rest) > 0 {
		if b.Policy, err = json.Marshal(p); err != nil {
			return wire.Empty{}, err
		}
	}
	return wire.Empty{}, s.putBus(b)
}
