package kms

import (
	"context"
	"regexp"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// alias is another name of a key, which can be given to another key.
type alias struct {
	Name, KeyID      string
	Created, Updated wire.Time
}

// AliasInput names an alias and the key that it shall stand for.
type AliasInput struct{ AliasName, TargetKeyId string }

// ListAliasesInput asks for the aliases of one key, or of all.
type ListAliasesInput struct {
	KeyId, Marker string
	Limit         int
}

// ListAliasesOutput lists aliases.
type ListAliasesOutput struct {
	Aliases   []ListedAlias
	Truncated bool
}

// ListedAlias is an alias in a list.
type ListedAlias struct {
	AliasName, AliasArn, TargetKeyId string
	CreationDate, LastUpdatedDate    wire.Time
}

var aliasPattern = regexp.MustCompile(`^alias/[a-zA-Z0-9:/_-]{1,250}$`)

func checkAlias(name string) error {
	switch {
	case !aliasPattern.MatchString(name):
		return wire.Errorf("InvalidAliasNameException", "Alias must start with the prefix \"alias/\". Please see http://docs.aws.amazon.com/kms/latest/developerguide/programming-aliases.html")
	case strings.HasPrefix(name, "alias/aws/"):
		return wire.Errorf("NotAuthorizedException", "Alias names that begin with alias/aws/ are reserved for AWS.")
	}
	return nil
}

func (s *Service) createAlias(_ context.Context, in AliasInput) (out wire.Empty, err error) {
	if err := checkAlias(in.AliasName); err != nil {
		return out, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, exists, err := s.aliases.Get(in.AliasName); err != nil {
		return out, err
	} else if exists {
		return out, wire.Errorf("AlreadyExistsException", "An alias with the name %s already exists", arn.New("kms", in.AliasName))
	}
	k, err := s.find(in.TargetKeyId)
	if err != nil {
		return out, err
	}
	now := wire.Time{Time: s.clock.Now()}
	return out, s.aliases.Put(in.AliasName, alias{Name: in.AliasName, KeyID: k.ID, Created: now, Updated: now})
}

func (s *Service) updateAlias(_ context.Context, in AliasInput) (out wire.Empty, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.alias(in.AliasName)
	if err != nil {
		return out, err
	}
	k, err := s.find(in.TargetKeyId)
	if err != nil {
		return out, err
	}
	a.KeyID, a.Updated = k.ID, wire.Time{Time: s.clock.Now()}
	return out, s.aliases.Put(a.Name, a)
}

func (s *Service) deleteAlias(_ context.Context, in AliasInput) (out wire.Empty, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.alias(in.AliasName)
	if err != nil {
		return out, err
	}
	return out, s.aliases.Delete(a.Name)
}

func (s *Service) alias(name string) (alias, error) {
	a, ok, err := s.aliases.Get(name)
	if err == nil && !ok {
		err = wire.Errorf("NotFoundException", "Alias %s is not found.", arn.New("kms", name))
	}
	return a, err
}

func (s *Service) listAliases(_ context.Context, in ListAliasesInput) (out ListAliasesOutput, err error) {
	only := ""
	if in.KeyId != "" {
		k, err := s.find(in.KeyId)
		if err != nil {
			return out, err
		}
		only = k.ID
	}
	out.Aliases = []ListedAlias{}
	err = s.aliases.Scan("", "", func(name string, a alias) bool {
		if only == "" || a.KeyID == only {
			out.Aliases = append(out.Aliases, ListedAlias{
				AliasName: name, AliasArn: arn.New("kms", name), TargetKeyId: a.KeyID, CreationDate: a.Created, LastUpdatedDate: a.Updated,
			})
		}
		return true
	})
	return out, err
}
