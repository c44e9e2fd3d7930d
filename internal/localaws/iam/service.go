// Package iam is AWS IAM: roles with their inline and attached policies, customer managed policies with versions, and
// the temporary credentials of roles, and OpenID Connect providers.
//
// It does not do users, groups, instance profiles and SAML; requests for them are refused.
//
// API: https://docs.aws.amazon.com/IAM/latest/APIReference/Welcome.html
package iam

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// Config is what the service needs. All fields are required.
type Config struct {
	Store *state.Store
	Clock *clock.Clock
}

// Service is IAM. It is safe for concurrent use.
type Service struct {
	clock    *clock.Clock
	roles    state.Table[role]
	policies state.Table[managedPolicy]
	// openIDProviders are the identity providers, by ARN.
	openIDProviders state.Table[openIDProvider]

	// mu guards changes of the tables from reading to writing, and sessions.
	mu       sync.Mutex
	sessions map[string]Session // by access key

	parsedMu sync.Mutex
	parsed   map[string]policy.Document
}

// New returns the service with what the store holds.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil {
		return nil, errors.New("iam: store and clock are required")
	}
	return &Service{
		clock:           cfg.Clock,
		roles:           state.NewTable[role](cfg.Store, "iam.roles"),
		policies:        state.NewTable[managedPolicy](cfg.Store, "iam.policies"),
		openIDProviders: state.NewTable[openIDProvider](cfg.Store, "iam.openid"),
		sessions:        map[string]Session{},
		parsed:          map[string]policy.Document{},
	}, nil
}

// API returns the operations of IAM.
func (s *Service) API() wire.Service {
	return wire.Service{
		Name: "iam", Protocol: wire.Query, Version: "2010-05-08", Namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
		Access: s.access,
		Gaps: []string{
			"There are no users, groups, instance profiles, SAML providers and service-linked roles: a client gets UnknownOperationException.",
			"OpenID Connect providers are kept, not asked: nobody gets credentials for their tokens (sts:AssumeRoleWithWebIdentity), and a provider that is created without thumbprints has none.",
			"The account's root, whose access key is test, is the only principal besides roles.",
			"Changes hold at once; on AWS they take seconds to reach everywhere.",
			"Lists are not paged.",
		},
		Operations: []wire.Operation{
			wire.Op("CreateRole", s.createRole),
			wire.Op("GetRole", s.getRole),
			wire.Op("ListRoles", s.listRoles),
			wire.Op("UpdateRole", s.updateRole),
			wire.Op("UpdateRoleDescription", s.updateRoleDescription),
			wire.Op("UpdateAssumeRolePolicy", s.updateAssumeRolePolicy),
			wire.Op("DeleteRole", s.deleteRole),
			wire.Op("TagRole", s.tagRole),
			wire.Op("UntagRole", s.untagRole),
			wire.Op("ListRoleTags", s.listRoleTags),
			wire.Op("PutRolePermissionsBoundary", s.putBoundary),
			wire.Op("DeleteRolePermissionsBoundary", s.deleteBoundary),
			wire.Op("ListInstanceProfilesForRole", s.listInstanceProfilesForRole).But("The list is always empty."),
			wire.Op("PutRolePolicy", s.putRolePolicy),
			wire.Op("GetRolePolicy", s.getRolePolicy),
			wire.Op("ListRolePolicies", s.listRolePolicies),
			wire.Op("DeleteRolePolicy", s.deleteRolePolicy),
			wire.Op("AttachRolePolicy", s.attachRolePolicy),
			wire.Op("DetachRolePolicy", s.detachRolePolicy),
			wire.Op("ListAttachedRolePolicies", s.listAttachedRolePolicies),
			wire.Op("CreatePolicy", s.createPolicy),
			wire.Op("GetPolicy", s.getPolicy),
			wire.Op("ListPolicies", s.listPolicies),
			wire.Op("DeletePolicy", s.deletePolicy),
			wire.Op("CreatePolicyVersion", s.createPolicyVersion),
			wire.Op("GetPolicyVersion", s.getPolicyVersion),
			wire.Op("ListPolicyVersions", s.listPolicyVersions),
			wire.Op("SetDefaultPolicyVersion", s.setDefaultPolicyVersion),
			wire.Op("DeletePolicyVersion", s.deletePolicyVersion),
			wire.Op("TagPolicy", s.tagPolicy),
			wire.Op("UntagPolicy", s.untagPolicy),
			wire.Op("ListPolicyTags", s.listPolicyTags),
			wire.Op("CreateOpenIDConnectProvider", s.createOpenIDProvider),
			wire.Op("GetOpenIDConnectProvider", s.getOpenIDProvider),
			wire.Op("ListOpenIDConnectProviders", s.listOpenIDProviders),
			wire.Op("DeleteOpenIDConnectProvider", s.deleteOpenIDProvider),
			wire.Op("UpdateOpenIDConnectProviderThumbprint", s.updateOpenIDProviderThumbprint),
			wire.Op("AddClientIDToOpenIDConnectProvider", s.addClientID),
			wire.Op("RemoveClientIDFromOpenIDConnectProvider", s.removeClientID),
			wire.Op("TagOpenIDConnectProvider", s.tagOpenIDProvider),
			wire.Op("UntagOpenIDConnectProvider", s.tagOpenIDProvider),
			wire.Op("ListOpenIDConnectProviderTags", s.listOpenIDProviderTags),
			wire.Op("GetUser", s.getUser).But("Only the account's root exists."),
		},
	}
}

// Inventory returns the ARNs of all roles, customer managed policies and identity providers.
func (s *Service) Inventory() ([]string, error) {
	var arns []string
	err := s.roles.Scan("", "", func(_ string, r role) bool {
		arns = append(arns, r.Arn)
		return true
	})
	err = errors.Join(err, s.policies.Scan("", "", func(arn string, _ managedPolicy) bool {
		arns = append(arns, arn)
		return true
	}))
	return arns, errors.Join(err, s.openIDProviders.Scan("", "", func(arn string, _ openIDProvider) bool {
		arns = append(arns, arn)
		return true
	}))
}

func errNoEntity(format string, args ...any) *wire.Error {
	return refuse(http.StatusNotFound, "NoSuchEntity", format, args...)
}

func isNoEntity(err error) bool {
	var refused *wire.Error
	return errors.As(err, &refused) && refused.Code == "NoSuchEntity"
}

func errMalformed(err error) *wire.Error { return wire.Errorf("MalformedPolicyDocument", "%v", err) }

func errInvalid(format string, args ...any) *wire.Error {
	return wire.Errorf("ValidationError", format, args...)
}

func refuse(status int, code, format string, args ...any) *wire.Error {
	e := wire.Errorf(code, format, args...)
	e.Status = status
	return e
}

// newID returns a unique id such as AROA…: the prefix says of what.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes
func newID(prefix string) string { return prefix + rand.Text()[:21-len(prefix)] }

// escape encodes a document as IAM returns it: RFC 3986, so a space is %20.
func escape(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}
