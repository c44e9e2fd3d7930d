// Package kms is the part of the AWS Key Management Service that decides who may use a key: keys with their policies, rotation,
// aliases and tags.
//
// It encrypts nothing. What other services would encrypt lies in the endpoint's data as it is; what they check is the key's policy: a
// delivery into a queue or topic with a key needs what AWS documents, so that a missing statement shows here as it would there.
//
// API: https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html
package kms

import (
	"errors"
	"strings"
	"sync"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
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

// Service is KMS. It is safe for concurrent use.
type Service struct {
	clock   *clock.Clock
	keys    state.Table[key]
	aliases state.Table[alias]
	mu      sync.Mutex // guards changes from reading to writing
}

// New returns the service with what the store holds.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil {
		return nil, errors.New("kms: store and clock are required")
	}
	return &Service{clock: cfg.Clock, keys: state.NewTable[key](cfg.Store, "kms.keys"), aliases: state.NewTable[alias](cfg.Store, "kms.aliases")}, nil
}

// API returns the operations of KMS.
func (s *Service) API() wire.Service {
	return wire.Service{
		Name: "kms", Protocol: wire.JSON11, Target: "TrentService",
		Access: s.access,
		Gaps: []string{
			"Nothing is encrypted: Encrypt, Decrypt, GenerateDataKey and the other cryptographic operations are refused.",
			"Of the services' own use of a key only a delivery into an encrypted queue or topic is checked against the key's policy.",
			"Keys are symmetric and of one region; grants, imported material and custom key stores do not exist. AWS's own keys (alias/aws/...) are not listed.",
			"A key whose deletion was scheduled stays in that state.",
		},
		Operations: []wire.Operation{
			wire.Op("CreateKey", s.createKey).But("Symmetric keys for encryption only. The policy is parsed; that it lets the caller change it later is not checked."),
			wire.Op("DescribeKey", s.describeKey),
			wire.Op("ListKeys", s.listKeys),
			wire.Op("GetKeyPolicy", s.getKeyPolicy),
			wire.Op("PutKeyPolicy", s.putKeyPolicy).But("As CreateKey."),
			wire.Op("EnableKeyRotation", s.enableRotation).But("The key never rotates."),
			wire.Op("DisableKeyRotation", s.disableRotation),
			wire.Op("GetKeyRotationStatus", s.rotationStatus).But("The date of the next rotation is left out."),
			wire.Op("UpdateKeyDescription", s.describe),
			wire.Op("EnableKey", s.enable),
			wire.Op("DisableKey", s.disable),
			wire.Op("ScheduleKeyDeletion", s.scheduleDeletion).But("The key is never deleted."),
			wire.Op("CancelKeyDeletion", s.cancelDeletion),
			wire.Op("CreateAlias", s.createAlias),
			wire.Op("UpdateAlias", s.updateAlias),
			wire.Op("DeleteAlias", s.deleteAlias),
			wire.Op("ListAliases", s.listAliases).But("The whole list is one page."),
			wire.Op("TagResource", s.tag).But("The limit of 50 tags is not enforced."),
			wire.Op("UntagResource", s.untag),
			wire.Op("ListResourceTags", s.listTags).But("The whole list is one page."),
		},
	}
}

// Inventory returns the ARNs of all keys but those that wait for their deletion: nobody can remove them sooner.
func (s *Service) Inventory() ([]string, error) {
	var arns []string
	err := s.keys.Scan("", "", func(id string, k key) bool {
		if k.Deletion == nil {
			arns = append(arns, keyARN(id))
		}
		return true
	})
	return arns, err
}

// ResourcePolicy returns the policy of the key that an ARN names.
func (s *Service) ResourcePolicy(keyARN string) (doc policy.Document, ok bool, err error) {
	k, err := s.find(keyARN)
	var unknown *wire.Error
	if errors.As(err, &unknown) {
		return doc, false, nil
	}
	if err != nil {
		return doc, false, err
	}
	doc, err = policy.Parse(policy.Resource, k.Policy)
	return doc, err == nil, err
}

// Key returns the ARN of an enabled key by whatever a client may call it: its id, its ARN, its alias or the alias's ARN. AWS's own
// keys, which a client calls alias/aws/…, are none of ours: ok is false.
func (s *Service) Key(name string) (keyARN string, ok bool, err error) {
	if aws := "alias/aws/"; strings.HasPrefix(name, aws) || strings.Contains(name, ":"+aws) {
		return "", false, nil
	}
	k, err := s.find(name)
	if err != nil {
		return "", false, err
	}
	if !k.Enabled || k.Deletion != nil {
		return "", false, wire.Errorf("DisabledException", "%s is disabled.", k.arn())
	}
	return k.arn(), true, nil
}

func keyARN(id string) string { return arn.New("kms", "key/"+id) }
