package iam

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// role is a role as it is stored.
type role struct {
	RoleDescription
	Inline   map[string]string // documents by name
	Attached []string          // ARNs in the order of attachment
}

// RoleDescription is a role as the API shows it; the stored form has the document as it was sent.
type RoleDescription struct {
	Path                     string
	RoleName                 string
	RoleId                   string
	Arn                      string
	CreateDate               wire.Time
	AssumeRolePolicyDocument string
	Description              string `json:",omitempty"`
	MaxSessionDuration       int
	PermissionsBoundary      *Boundary `json:",omitempty"`
	Tags                     []Tag     `json:",omitempty"`
}

// Boundary names the managed policy that limits what a role can be allowed.
type Boundary struct{ PermissionsBoundaryType, PermissionsBoundaryArn string }

func (r role) describe() RoleDescription {
	d := r.RoleDescription
	d.AssumeRolePolicyDocument = escape(d.AssumeRolePolicyDocument)
	return d
}

// CreateRoleInput describes a new role.
type CreateRoleInput struct {
	Path                     string
	RoleName                 string
	AssumeRolePolicyDocument string
	Description              string
	MaxSessionDuration       int
	PermissionsBoundary      string
	Tags                     []Tag
}

// RoleOutput is the answer with one role.
type RoleOutput struct{ Role RoleDescription }

// RoleInput names a role.
type RoleInput struct{ RoleName string }

var namePattern = regexp.MustCompile(`^[\w+=,.@-]{1,128}$`)

func checkName(parameter, name string, limit int) error {
	if len(name) > limit || !namePattern.MatchString(name) {
		return errInvalid("The specified value for %s is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_- and have at most %d of them", parameter, limit)
	}
	return nil
}

func checkPath(path string) (string, error) {
	if path == "" {
		return "/", nil
	}
	if !strings.HasPrefix(path, "/") || !strings.HasSuffix(path, "/") {
		return "", errInvalid("The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	}
	return path, nil
}

func checkDuration(seconds int) (int, error) {
	switch {
	case seconds == 0:
		return 3600, nil
	case seconds < 3600 || seconds > 43200:
		return 0, errInvalid("maxSessionDuration %d: want 3600 to 43200 seconds", seconds)
	}
	return seconds, nil
}

func (s *Service) createRole(_ context.Context, in CreateRoleInput) (out RoleOutput, err error) {
	if err := checkName("roleName", in.RoleName, 64); err != nil {
		return out, err
	}
	if _, err := policy.Parse(policy.Trust, in.AssumeRolePolicyDocument); err != nil {
		return out, errMalformed(err)
	}
	path, err := checkPath(in.Path)
	if err != nil {
		return out, err
	}
	duration, err := checkDuration(in.MaxSessionDuration)
	if err != nil {
		return out, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, exists, err := s.roles.Get(in.RoleName); err != nil || exists {
		if err != nil {
			return out, err
		}
		return out, refuse(http.StatusConflict, "EntityAlreadyExists", "Role with name %s already exists.", in.RoleName)
	}
	r := role{RoleDescription: RoleDescription{
		Path: path, RoleName: in.RoleName, RoleId: newID("AROA"), Arn: arn.Global("iam", "role"+path+in.RoleName),
		CreateDate: wire.Time{Time: s.clock.Now()}, AssumeRolePolicyDocument: in.AssumeRolePolicyDocument,
		Description: in.Description, MaxSessionDuration: duration, Tags: in.Tags,
	}}
	if in.PermissionsBoundary != "" {
		if r.PermissionsBoundary, err = s.boundary(in.PermissionsBoundary); err != nil {
			return out, err
		}
	}
	return RoleOutput{r.describe()}, s.roles.Put(in.RoleName, r)
}

// role returns the role called name.
func (s *Service) role(name string) (role, error) {
	r, ok, err := s.roles.Get(name)
	if err == nil && !ok {
		err = errNoEntity("The role with name %s cannot be found.", name)
	}
	return r, err
}

// roleByARN returns the role of an ARN, the path included.
func (s *Service) roleByARN(roleARN string) (role, error) {
	r, err := s.role(roleARN[strings.LastIndexByte(roleARN, '/')+1:])
	if err == nil && r.Arn != roleARN {
		err = errNoEntity("The role with ARN %s cannot be found.", roleARN)
	}
	return r, err
}

// changeRole lets f change a role.
func (s *Service) changeRole(name string, f func(*role) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.role(name)
	if err != nil {
		return err
	}
	if err := f(&r); err != nil {
		return err
	}
	return s.roles.Put(name, r)
}

func (s *Service) getRole(_ context.Context, in RoleInput) (RoleOutput, error) {
	r, err := s.role(in.RoleName)
	return RoleOutput{r.describe()}, err
}

// ListInput restricts a list to a path.
type ListInput struct {
	PathPrefix string
	// Scope is All, AWS or Local (policies).
	Scope string
}

// ListRolesOutput lists roles.
type ListRolesOutput struct {
	Roles       []RoleDescription
	IsTruncated bool
}

func (s *Service) listRoles(_ context.Context, in ListInput) (out ListRolesOutput, err error) {
	err = s.roles.Scan("", "", func(_ string, r role) bool {
		if strings.HasPrefix(r.Path, in.PathPrefix) {
			d := r.describe()
			d.Tags = nil // lists go without tags
			out.Roles = append(out.Roles, d)
		}
		return true
	})
	return out, err
}

// UpdateRoleInput changes what is given of a role.
type UpdateRoleInput struct {
	RoleName           string
	Description        *string
	MaxSessionDuration *int
}

func (s *Service) updateRole(_ context.Context, in UpdateRoleInput) (out wire.Empty, err error) {
	return out, s.changeRole(in.RoleName, func(r *role) error {
		if in.Description != nil {
			r.Description = *in.Description
		}
		if in.MaxSessionDuration == nil {
			return nil
		}
		duration, err := checkDuration(*in.MaxSessionDuration)
		r.MaxSessionDuration = duration
		return err
	})
}

// UpdateRoleDescriptionInput changes the description of a role.
type UpdateRoleDescriptionInput struct{ RoleName, Description string }

func (s *Service) updateRoleDescription(_ context.Context, in UpdateRoleDescriptionInput) (out RoleOutput, err error) {
	err = s.changeRole(in.RoleName, func(r *role) error {
		r.Description = in.Description
		out.Role = r.describe()
		return nil
	})
	return out, err
}

// UpdateAssumeRolePolicyInput changes who may assume a role.
type UpdateAssumeRolePolicyInput struct{ RoleName, PolicyDocument string }

func (s *Service) updateAssumeRolePolicy(_ context.Context, in UpdateAssumeRolePolicyInput) (out wire.Empty, err error) {
	if _, err := policy.Parse(policy.Trust, in.PolicyDocument); err != nil {
		return out, errMalformed(err)
	}
	return out, s.changeRole(in.RoleName, func(r *role) error {
		r.AssumeRolePolicyDocument = in.PolicyDocument
		return nil
	})
}

func (s *Service) deleteRole(_ context.Context, in RoleInput) (out wire.Empty, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.role(in.RoleName)
	if err != nil {
		return out, err
	}
	if len(r.Inline) > 0 {
		return out, errInUse("Cannot delete entity, must delete policies first.")
	}
	if len(r.Attached) > 0 {
		return out, errInUse("Cannot delete entity, must detach all policies first.")
	}
	s.endSessions(r.Arn)
	return out, s.roles.Delete(in.RoleName)
}

func errInUse(message string) *wire.Error {
	return refuse(http.StatusConflict, "DeleteConflict", "%s", message)
}

// InstanceProfilesOutput lists no instance profiles: there are none.
type InstanceProfilesOutput struct {
	InstanceProfiles []string
	IsTruncated      bool
}

func (s *Service) listInstanceProfilesForRole(_ context.Context, in RoleInput) (out InstanceProfilesOutput, err error) {
	_, err = s.role(in.RoleName)
	return out, err
}

// UserInput names a user.
type UserInput struct{ UserName string }

// UserOutput is the answer with one user.
type UserOutput struct {
	User struct {
		Path       string
		UserId     string
		Arn        string
		CreateDate wire.Time
	}
}

// getUser knows the account's root, who is the operator, and no other user.
func (s *Service) getUser(_ context.Context, in UserInput) (out UserOutput, err error) {
	if in.UserName != "" {
		return out, errNoEntity("The user with name %s cannot be found.", in.UserName)
	}
	out.User.Path, out.User.UserId, out.User.Arn = "/", arn.Account, RootARN()
	out.User.CreateDate = wire.Time{Time: s.clock.Now()}
	return out, nil
}

// RootARN is the operator.
func RootARN() string { return fmt.Sprintf("arn:aws:iam::%s:root", arn.Account) }
