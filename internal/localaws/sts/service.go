// Package sts is AWS STS: who a caller is, and temporary credentials of roles.
//
// It does not do federation and session tags; requests for them are refused.
//
// API: https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html
package sts

import (
	"context"
	"errors"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/iam"
	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Service is STS. It is safe for concurrent use.
type Service struct{ roles *iam.Service }

// New returns the service for the roles of an account.
func New(roles *iam.Service) (*Service, error) {
	if roles == nil {
		return nil, errors.New("sts: iam is required")
	}
	return &Service{roles: roles}, nil
}

// API returns the operations of STS.
func (s *Service) API() wire.Service {
	return wire.Service{
		Name: "sts", Protocol: wire.Query, Version: "2011-06-15", Namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
		Access: access,
		Gaps:   []string{"There are no session tags, no federation and no multi-factor authentication: requests for them are refused."},
		Operations: []wire.Operation{
			wire.Op("GetCallerIdentity", s.getCallerIdentity),
			wire.Op("AssumeRole", s.assumeRole),
		},
	}
}

// access returns the permissions that a call needs: nobody can be denied to ask who he is.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func access(_ context.Context, _ string, in any) []wire.Access {
	if in, ok := in.(AssumeRoleInput); ok {
		need := wire.Access{Action: "sts:AssumeRole", Resource: in.RoleArn, Context: map[string][]string{"sts:RoleSessionName": {in.RoleSessionName}}}
		if in.ExternalId != "" {
			need.Context["sts:ExternalId"] = []string{in.ExternalId}
		}
		return []wire.Access{need}
	}
	return []wire.Access{}
}

// Identity is who a caller is.
type Identity struct {
	UserId  string
	Account string
	Arn     string
}

func (s *Service) getCallerIdentity(ctx context.Context, _ wire.Empty) (Identity, error) {
	caller, ok := wire.CallerFrom(ctx)
	if !ok {
		return Identity{}, errors.New("the request has no caller")
	}
	id := Identity{UserId: arn.Account, Account: arn.Account, Arn: caller.ARN}
	if session, ok := s.roles.Session(caller.AccessKeyID); ok {
		id.UserId = session.ID
	}
	return id, nil
}

// AssumeRoleInput asks for credentials of a role.
type AssumeRoleInput struct {
	RoleArn, RoleSessionName, ExternalId string
	DurationSeconds                      int
	// Policy and PolicyArns limit what the session may do.
	Policy     string
	PolicyArns []PolicyDescriptor
	Tags       []struct{ Key, Value string }
}

// PolicyDescriptor names a managed policy.
type PolicyDescriptor struct {
	ARN string `json:"arn"`
}

// AssumeRoleOutput holds credentials of a role.
type AssumeRoleOutput struct {
	Credentials struct {
		AccessKeyId, SecretAccessKey, SessionToken string
		Expiration                                 wire.Time
	}
	AssumedRoleUser struct {
		AssumedRoleId, Arn string
	}
}

func (s *Service) assumeRole(ctx context.Context, in AssumeRoleInput) (out AssumeRoleOutput, err error) {
	if len(in.Tags) > 0 {
		return out, wire.Errorf("ValidationError", "session tags are not implemented by this endpoint")
	}
	if len(in.RoleSessionName) < 2 || len(in.RoleSessionName) > 64 {
		return out, wire.Errorf("ValidationError", "RoleSessionName %q: want 2 to 64 characters", in.RoleSessionName)
	}
	if in.DurationSeconds == 0 {
		in.DurationSeconds = 3600
	}
	if in.DurationSeconds < 900 {
		return out, wire.Errorf("ValidationError", "DurationSeconds %d: want at least 900", in.DurationSeconds)
	}
	caller, _ := wire.CallerFrom(ctx)
	who := policy.Principal{ARN: caller.ARN}
	if session, ok := s.roles.Session(caller.AccessKeyID); ok {
		who.RoleARN = session.RoleARN
	}
	a := iam.Assumption{
		Caller: who, RoleARN: in.RoleArn, SessionName: in.RoleSessionName, ExternalID: in.ExternalId,
		Duration: time.Duration(in.DurationSeconds) * time.Second, SessionPolicy: in.Policy,
	}
	for _, p := range in.PolicyArns {
		a.SessionPolicies = append(a.SessionPolicies, p.ARN)
	}
	session, err := s.roles.Assume(a)
	if err != nil {
		return out, err
	}
	out.Credentials.AccessKeyId = session.AccessKeyID
	out.Credentials.SecretAccessKey = session.SecretAccessKey
	out.Credentials.SessionToken = session.SessionToken
	out.Credentials.Expiration = wire.Time{Time: session.Expires}
	out.AssumedRoleUser.AssumedRoleId, out.AssumedRoleUser.Arn = session.ID, session.ARN
	return out, nil
}
