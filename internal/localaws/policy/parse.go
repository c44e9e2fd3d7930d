package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// statement is one statement of a policy, checked.
type statement struct {
	sid          string
	effect       Decision
	principal    *principals
	notPrincipal bool
	actions      actions
	notAction    bool
	resources    []string
	notResource  bool
	conditions   []condition
}

type actions []string

type principals struct {
	aws, services []string
}

// texts is a string, a boolean, a number, or a list of these.
type texts []string

// UnmarshalJSON implements json.Unmarshaler.
func (t *texts) UnmarshalJSON(raw []byte) error {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	*t = texts{}
	for _, item := range list {
		var s string
		if err := json.Unmarshal(item, &s); err != nil {
			s = string(item)
			if s == "null" || strings.ContainsAny(s, "{[") {
				return fmt.Errorf("%s is not a string", item)
			}
		}
		*t = append(*t, s)
	}
	return nil
}

type rawStatement struct {
	Sid                     string
	Effect                  string
	Principal, NotPrincipal json.RawMessage
	Action, NotAction       texts
	Resource, NotResource   texts
	Condition               map[string]map[string]texts
}

type rawStatements []rawStatement

// UnmarshalJSON accepts one statement or a list of them.
func (s *rawStatements) UnmarshalJSON(raw []byte) error {
	if raw = bytes.TrimSpace(raw); len(raw) > 0 && raw[0] == '{' {
		raw = slices.Concat([]byte("["), raw, []byte("]"))
	}
	var list []rawStatement
	if err := strict(raw, &list); err != nil {
		return err
	}
	*s = list
	return nil
}

// Parse reads a policy. It returns an error that says what is wrong with it; no part of a wrong policy counts.
func Parse(kind Kind, document string) (Document, error) {
	var raw struct {
		Version   string
		ID        string `json:"Id"`
		Statement rawStatements
	}
	if err := strict([]byte(document), &raw); err != nil {
		return Document{}, fmt.Errorf("policy: %w", err)
	}
	switch raw.Version {
	case "", "2008-10-17", "2012-10-17":
	default:
		return Document{}, fmt.Errorf("policy: version %q: want 2012-10-17", raw.Version)
	}
	if len(raw.Statement) == 0 {
		return Document{}, errors.New("policy: no statement")
	}
	var doc Document
	sids := map[string]bool{}
	for i, rs := range raw.Statement {
		s, err := rs.check(kind)
		if err != nil {
			return Document{}, fmt.Errorf("policy: statement %d: %w", i, err)
		}
		if s.sid != "" && sids[s.sid] {
			return Document{}, fmt.Errorf("policy: statement %d: statement IDs (SID) in a single policy must be unique: %q is there twice", i, s.sid)
		}
		sids[s.sid] = true
		doc.statements = append(doc.statements, s)
	}
	return doc, nil
}

func strict(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	return nil
}

func (rs rawStatement) check(kind Kind) (statement, error) {
	s := statement{sid: rs.Sid}
	switch rs.Effect {
	case "Allow":
		s.effect = Allow
	case "Deny":
		s.effect = Deny
	default:
		return s, fmt.Errorf("effect %q: want Allow or Deny", rs.Effect)
	}
	if kind == Identity && strings.Trim(strings.ToLower(s.sid), "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return s, fmt.Errorf("statement IDs (SID) must be alpha-numeric: %q", s.sid)
	}
	return s, errors.Join(s.setPrincipal(kind, rs), s.setAction(rs), s.setResource(kind, rs), s.setConditions(rs))
}

func (s *statement) setPrincipal(kind Kind, rs rawStatement) error {
	raw, not := rs.Principal, rs.NotPrincipal
	if len(raw) > 0 && len(not) > 0 {
		return errors.New("both Principal and NotPrincipal")
	}
	if len(not) > 0 {
		raw, s.notPrincipal = not, true
	}
	if (len(raw) == 0) != (kind == Identity) {
		if kind == Identity {
			return errors.New("an identity policy names no Principal")
		}
		return errors.New("no Principal")
	}
	if len(raw) == 0 {
		return nil
	}
	var everyone string
	if json.Unmarshal(raw, &everyone) == nil {
		if everyone != "*" {
			return fmt.Errorf("principal %q: want \"*\" or an object", everyone)
		}
		s.principal = &principals{aws: []string{"*"}}
		return nil
	}
	var named struct{ AWS, Service, Federated, CanonicalUser texts }
	if err := strict(raw, &named); err != nil {
		return fmt.Errorf("principal: %w", err)
	}
	s.principal = &principals{aws: named.AWS, services: named.Service}
	return nil
}

func (s *statement) setAction(rs rawStatement) error {
	if (len(rs.Action) == 0) == (len(rs.NotAction) == 0) {
		return errors.New("want either Action or NotAction")
	}
	s.actions, s.notAction = actions(rs.Action), false
	if len(rs.NotAction) > 0 {
		s.actions, s.notAction = actions(rs.NotAction), true
	}
	for _, a := range s.actions {
		if a != "*" && !strings.Contains(a, ":") {
			return fmt.Errorf("action %q: want service:operation", a)
		}
	}
	return nil
}

func (s *statement) setResource(kind Kind, rs rawStatement) error {
	has := len(rs.Resource) > 0 || len(rs.NotResource) > 0
	switch {
	case len(rs.Resource) > 0 && len(rs.NotResource) > 0:
		return errors.New("both Resource and NotResource")
	case kind == Trust && has:
		return errors.New("a trust policy names no Resource")
	case kind == Identity && !has:
		return errors.New("no Resource")
	}
	s.resources, s.notResource = rs.Resource, false
	if len(rs.NotResource) > 0 {
		s.resources, s.notResource = rs.NotResource, true
	}
	for _, r := range s.resources {
		if r != "*" && strings.Count(r, ":") < 5 {
			return fmt.Errorf("resource %q: want an ARN or *", r)
		}
	}
	return nil
}

func (s *statement) setConditions(rs rawStatement) error {
	for operator, keys := range rs.Condition {
		for key, values := range keys {
			c, err := newCondition(operator, key, values)
			if err != nil {
				return err
			}
			s.conditions = append(s.conditions, c)
		}
	}
	return nil
}
