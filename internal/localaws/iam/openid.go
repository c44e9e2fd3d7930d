package iam

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// openIDProvider is an identity provider that trust policies can name as Federated.
type openIDProvider struct {
	Arn string
	OpenIDProviderDescription
}

// OpenIDProviderDescription is a provider as GetOpenIDConnectProvider shows it.
type OpenIDProviderDescription struct {
	// Url goes without https://, as IAM keeps it.
	Url            string
	ClientIDList   []string
	ThumbprintList []string
	CreateDate     wire.Time
	Tags           []Tag `json:",omitempty"`
}

// CreateOpenIDProviderInput describes a new provider.
type CreateOpenIDProviderInput struct {
	Url            string
	ClientIDList   []string
	ThumbprintList []string
	Tags           []Tag
}

// CreateOpenIDProviderOutput names the new provider.
type CreateOpenIDProviderOutput struct {
	OpenIDConnectProviderArn string
	Tags                     []Tag `json:",omitempty"`
}

// OpenIDProviderInput names a provider, and what an operation changes of it.
type OpenIDProviderInput struct {
	OpenIDConnectProviderArn string
	ClientID                 string
	ThumbprintList           []string
	Tags                     []Tag
	TagKeys                  []string
}

// OpenIDProvidersOutput lists providers.
type OpenIDProvidersOutput struct {
	OpenIDConnectProviderList []struct{ Arn string }
}

// maxClientIDs and maxThumbprints are IAM's.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
const (
	maxClientIDs   = 100
	maxThumbprints = 5
)

func openIDProviderARN(issuer string) string { return arn.Global("iam", "oidc-provider/"+issuer) }

// issuer returns the address of an identity provider without its scheme.
func issuer(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Port() != "" {
		return "", wire.Errorf("InvalidInput", "Invalid Open ID Connect Provider URL %q: want https://HOST/PATH without a port and a query", address)
	}
	return strings.TrimSuffix(u.Host+u.Path, "/"), nil
}

func (s *Service) createOpenIDProvider(_ context.Context, in CreateOpenIDProviderInput) (out CreateOpenIDProviderOutput, err error) {
	name, err := issuer(in.Url)
	if err != nil {
		return out, err
	}
	p := openIDProvider{openIDProviderARN(name), OpenIDProviderDescription{
		Url: name, ClientIDList: in.ClientIDList, ThumbprintList: in.ThumbprintList, CreateDate: wire.Time{Time: s.clock.Now()}, Tags: in.Tags,
	}}
	if err := p.check(); err != nil {
		return out, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, exists, err := s.openIDProviders.Get(p.Arn); err != nil || exists {
		if err != nil {
			return out, err
		}
		return out, refuse(http.StatusConflict, "EntityAlreadyExists", "Provider with url https://%s already exists.", name)
	}
	return CreateOpenIDProviderOutput{p.Arn, p.Tags}, s.openIDProviders.Put(p.Arn, p)
}

func (p openIDProvider) check() error {
	if len(p.ClientIDList) > maxClientIDs || len(p.ThumbprintList) > maxThumbprints {
		return refuse(http.StatusConflict, "LimitExceeded", "An identity provider has at most %d client ids and %d thumbprints.", maxClientIDs, maxThumbprints)
	}
	for _, thumbprint := range p.ThumbprintList {
		if len(thumbprint) != 40 {
			return errInvalid("thumbprint %q: want the 40 hexadecimal digits of a SHA-1", thumbprint)
		}
	}
	return nil
}

func (s *Service) openIDProvider(providerARN string) (openIDProvider, error) {
	p, ok, err := s.openIDProviders.Get(providerARN)
	if err == nil && !ok {
		err = errNoEntity("OpenIDConnect Provider not found for arn %s", providerARN)
	}
	return p, err
}

func (s *Service) getOpenIDProvider(_ context.Context, in OpenIDProviderInput) (OpenIDProviderDescription, error) {
	p, err := s.openIDProvider(in.OpenIDConnectProviderArn)
	return p.OpenIDProviderDescription, err
}

func (s *Service) listOpenIDProviders(_ context.Context, _ wire.Empty) (out OpenIDProvidersOutput, err error) {
	err = s.openIDProviders.Scan("", "", func(_ string, p openIDProvider) bool {
		out.OpenIDConnectProviderList = append(out.OpenIDConnectProviderList, struct{ Arn string }{p.Arn})
		return true
	})
	return out, err
}

// deleteOpenIDProvider succeeds as well if there is no such provider.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteOpenIDConnectProvider.html
func (s *Service) deleteOpenIDProvider(_ context.Context, in OpenIDProviderInput) (wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return wire.Empty{}, s.openIDProviders.Delete(in.OpenIDConnectProviderArn)
}

func (s *Service) changeOpenIDProvider(providerARN string, f func(*openIDProvider)) (out wire.Empty, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.openIDProvider(providerARN)
	if err != nil {
		return out, err
	}
	f(&p)
	if err := p.check(); err != nil {
		return out, err
	}
	return out, s.openIDProviders.Put(providerARN, p)
}

func (s *Service) updateOpenIDProviderThumbprint(_ context.Context, in OpenIDProviderInput) (wire.Empty, error) {
	return s.changeOpenIDProvider(in.OpenIDConnectProviderArn, func(p *openIDProvider) { p.ThumbprintList = in.ThumbprintList })
}

func (s *Service) addClientID(_ context.Context, in OpenIDProviderInput) (wire.Empty, error) {
	return s.changeOpenIDProvider(in.OpenIDConnectProviderArn, func(p *openIDProvider) {
		if !slices.Contains(p.ClientIDList, in.ClientID) {
			p.ClientIDList = append(p.ClientIDList, in.ClientID)
		}
	})
}

func (s *Service) removeClientID(_ context.Context, in OpenIDProviderInput) (wire.Empty, error) {
	return s.changeOpenIDProvider(in.OpenIDConnectProviderArn, func(p *openIDProvider) {
		p.ClientIDList = slices.DeleteFunc(p.ClientIDList, func(id string) bool { return id == in.ClientID })
	})
}

func (s *Service) tagOpenIDProvider(_ context.Context, in OpenIDProviderInput) (wire.Empty, error) {
	return s.changeOpenIDProvider(in.OpenIDConnectProviderArn, func(p *openIDProvider) {
		p.Tags = retag(p.Tags, TagInput{Tags: in.Tags, TagKeys: in.TagKeys})
	})
}

func (s *Service) listOpenIDProviderTags(_ context.Context, in OpenIDProviderInput) (TagsOutput, error) {
	p, err := s.openIDProvider(in.OpenIDConnectProviderArn)
	return TagsOutput{Tags: p.Tags}, err
}
