package kms

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// key is a key as it is stored.
type key struct {
	ID, Description, Policy string
	Enabled, Rotates        bool
	RotationDays            int
	Created                 wire.Time
	Deletion                *wire.Time
	Tags                    []Tag
}

func (k key) arn() string { return keyARN(k.ID) }

// defaultPolicy leaves the decision to the policies of the account's users and roles.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
const defaultPolicy = `{"Version":"2012-10-17","Id":"key-default-1","Statement":[{"Sid":"Enable IAM User Permissions","Effect":"Allow",` +
	`"Principal":{"AWS":"arn:aws:iam::` + arn.Account + `:root"},"Action":"kms:*","Resource":"*"}]}`

// The rotation periods that AWS allows.
const (
	shortestRotation = 90
	usualRotation    = 365
	longestRotation  = 2560
)

// CreateKeyInput makes a key.
type CreateKeyInput struct {
	Description, Policy, KeyUsage, KeySpec, CustomerMasterKeySpec, Origin, CustomKeyStoreId string
	MultiRegion, BypassPolicyLockoutSafetyCheck                                             bool
	Tags                                                                                    []Tag
}

// KeyOutput shows a key.
type KeyOutput struct{ KeyMetadata Metadata }

// Metadata is what the API says of a key.
type Metadata struct {
	AWSAccountId, KeyId, Arn, Description, KeyUsage, KeyState, Origin, KeyManager, KeySpec, CustomerMasterKeySpec string
	Enabled, MultiRegion                                                                                          bool
	CreationDate                                                                                                  wire.Time
	DeletionDate                                                                                                  *wire.Time `json:",omitempty"`
	EncryptionAlgorithms                                                                                          []string
}

func (k key) metadata() Metadata {
	m := Metadata{
		AWSAccountId: arn.Account, KeyId: k.ID, Arn: k.arn(), Description: k.Description, KeyUsage: "ENCRYPT_DECRYPT", KeyState: "Enabled",
		Origin: "AWS_KMS", KeyManager: "CUSTOMER", KeySpec: "SYMMETRIC_DEFAULT", CustomerMasterKeySpec: "SYMMETRIC_DEFAULT",
		Enabled: k.Enabled, CreationDate: k.Created, DeletionDate: k.Deletion, EncryptionAlgorithms: []string{"SYMMETRIC_DEFAULT"},
	}
	switch {
	case k.Deletion != nil:
		m.KeyState, m.Enabled = "PendingDeletion", false
	case !k.Enabled:
		m.KeyState = "Disabled"
	}
	return m
}

func (s *Service) createKey(_ context.Context, in CreateKeyInput) (out KeyOutput, err error) {
	for name, used := range map[string]bool{
		"KeyUsage " + in.KeyUsage:                           in.KeyUsage != "" && in.KeyUsage != "ENCRYPT_DECRYPT",
		"KeySpec " + in.KeySpec:                             in.KeySpec != "" && in.KeySpec != "SYMMETRIC_DEFAULT",
		"CustomerMasterKeySpec " + in.CustomerMasterKeySpec: in.CustomerMasterKeySpec != "" && in.CustomerMasterKeySpec != "SYMMETRIC_DEFAULT",
		"Origin " + in.Origin:                               in.Origin != "" && in.Origin != "AWS_KMS",
		"CustomKeyStoreId":                                  in.CustomKeyStoreId != "",
		"MultiRegion":                                       in.MultiRegion,
	} {
		if used {
			return out, wire.Errorf("UnsupportedOperationException", "%s is not implemented by this endpoint.", name)
		}
	}
	if in.Policy == "" {
		in.Policy = defaultPolicy
	}
	if err := checkPolicy(in.Policy); err != nil {
		return out, err
	}
	k := key{
		ID: uuid.NewString(), Description: in.Description, Policy: in.Policy, Enabled: true, RotationDays: usualRotation,
		Created: wire.Time{Time: s.clock.Now()}, Tags: in.Tags,
	}
	return KeyOutput{k.metadata()}, s.keys.Put(k.ID, k)
}

func checkPolicy(document string) error {
	if _, err := policy.Parse(policy.Resource, document); err != nil {
		return wire.Errorf("MalformedPolicyDocumentException", "%v", err)
	}
	return nil
}

// KeyInput names a key.
type KeyInput struct{ KeyId, PolicyName string }

func (s *Service) describeKey(_ context.Context, in KeyInput) (KeyOutput, error) {
	k, err := s.find(in.KeyId)
	return KeyOutput{k.metadata()}, err
}

// find returns the key that name means: an id, an ARN, an alias or an alias's ARN.
func (s *Service) find(name string) (key, error) {
	plain := name
	if a, ok := arn.Parse(name); ok {
		if a.Service != "kms" || a.Account != arn.Account || a.Region != arn.Region {
			return key{}, notFound(name)
		}
		plain = a.Resource
	}
	if strings.HasPrefix(plain, "alias/") {
		named, ok, err := s.aliases.Get(plain)
		if err != nil {
			return key{}, err
		}
		if !ok {
			return key{}, wire.Errorf("NotFoundException", "Alias %s is not found.", arn.New("kms", plain))
		}
		plain = named.KeyID
	}
	id := strings.TrimPrefix(plain, "key/")
	k, ok, err := s.keys.Get(id)
	if err == nil && !ok {
		err = notFound(name)
	}
	return k, err
}

func notFound(name string) *wire.Error {
	if !strings.HasPrefix(name, "arn:") {
		name = keyARN(name)
	}
	return wire.Errorf("NotFoundException", "Key '%s' does not exist", name)
}

// change writes what f makes of the key that name means. A key that waits for its deletion is not changed.
func (s *Service) change(name string, f func(*key) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, err := s.find(name)
	if err != nil {
		return err
	}
	if k.Deletion != nil {
		return wire.Errorf("KMSInvalidStateException", "%s is pending deletion.", k.arn())
	}
	if err := f(&k); err != nil {
		return err
	}
	return s.keys.Put(k.ID, k)
}

// ListedKey is a key in a list.
type ListedKey struct{ KeyId, KeyArn string }

// ListKeysInput asks for a page of keys.
type ListKeysInput struct {
	Limit  int
	Marker string
}

// ListKeysOutput is a page of keys.
type ListKeysOutput struct {
	Keys       []ListedKey
	NextMarker string `json:",omitempty"`
	Truncated  bool
}

func (s *Service) listKeys(_ context.Context, in ListKeysInput) (out ListKeysOutput, err error) {
	if in.Limit == 0 {
		in.Limit = 100
	}
	out.Keys = []ListedKey{}
	err = s.keys.Scan("", in.Marker, func(id string, _ key) bool {
		if len(out.Keys) == in.Limit {
			out.NextMarker, out.Truncated = id, true
			return false
		}
		out.Keys = append(out.Keys, ListedKey{KeyId: id, KeyArn: keyARN(id)})
		return true
	})
	return out, err
}

// PolicyOutput is a key's policy.
type PolicyOutput struct{ Policy, PolicyName string }

// PutPolicyInput replaces a key's policy.
type PutPolicyInput struct{ KeyId, PolicyName, Policy string }

// policyName is the only one that a key's policy can have.
const policyName = "default"

func (s *Service) getKeyPolicy(_ context.Context, in KeyInput) (PolicyOutput, error) {
	k, err := s.find(in.KeyId)
	if err == nil && in.PolicyName != "" && in.PolicyName != policyName {
		err = wire.Errorf("NotFoundException", "No such policy exists")
	}
	return PolicyOutput{Policy: k.Policy, PolicyName: policyName}, err
}

func (s *Service) putKeyPolicy(_ context.Context, in PutPolicyInput) (out wire.Empty, err error) {
	if err := checkPolicy(in.Policy); err != nil {
		return out, err
	}
	return out, s.change(in.KeyId, func(k *key) error {
		k.Policy = in.Policy
		return nil
	})
}

// RotationInput names a key and how often it shall rotate.
type RotationInput struct {
	KeyId                string
	RotationPeriodInDays int
}

// RotationOutput says whether and how often a key rotates.
type RotationOutput struct {
	KeyId                string
	KeyRotationEnabled   bool
	RotationPeriodInDays int `json:",omitempty"`
}

func (s *Service) enableRotation(_ context.Context, in RotationInput) (out wire.Empty, err error) {
	days := in.RotationPeriodInDays
	if days == 0 {
		days = usualRotation
	}
	if days < shortestRotation || days > longestRotation {
		return out, wire.Errorf("ValidationException", "RotationPeriodInDays must be from %d to %d, not %d.", shortestRotation, longestRotation, days)
	}
	return out, s.change(in.KeyId, func(k *key) error {
		k.Rotates, k.RotationDays = true, days
		return nil
	})
}

func (s *Service) disableRotation(_ context.Context, in KeyInput) (out wire.Empty, err error) {
	return out, s.change(in.KeyId, func(k *key) error {
		k.Rotates = false
		return nil
	})
}

func (s *Service) rotationStatus(_ context.Context, in KeyInput) (RotationOutput, error) {
	k, err := s.find(in.KeyId)
	out := RotationOutput{KeyId: k.ID, KeyRotationEnabled: k.Rotates}
	if k.Rotates {
		out.RotationPeriodInDays = k.RotationDays
	}
	return out, err
}

// DescribeInput is a key's new description.
type DescribeInput struct{ KeyId, Description string }

func (s *Service) describe(_ context.Context, in DescribeInput) (out wire.Empty, err error) {
	return out, s.change(in.KeyId, func(k *key) error {
		k.Description = in.Description
		return nil
	})
}

func (s *Service) enable(_ context.Context, in KeyInput) (out wire.Empty, err error) {
	return out, s.change(in.KeyId, func(k *key) error {
		k.Enabled = true
		return nil
	})
}

func (s *Service) disable(_ context.Context, in KeyInput) (out wire.Empty, err error) {
	return out, s.change(in.KeyId, func(k *key) error {
		k.Enabled = false
		return nil
	})
}

// DeletionInput names a key and how long it shall wait.
type DeletionInput struct {
	KeyId               string
	PendingWindowInDays int
}

// DeletionOutput says when a key will be deleted.
type DeletionOutput struct {
	KeyId, KeyState     string
	DeletionDate        *wire.Time `json:",omitempty"`
	PendingWindowInDays int        `json:",omitempty"`
}

// The days that a key waits for its deletion.
const (
	shortestWait = 7
	longestWait  = 30
)

func (s *Service) scheduleDeletion(_ context.Context, in DeletionInput) (out DeletionOutput, err error) {
	days := in.PendingWindowInDays
	if days == 0 {
		days = longestWait
	}
	if days < shortestWait || days > longestWait {
		return out, wire.Errorf("ValidationException", "PendingWindowInDays must be from %d to %d, not %d.", shortestWait, longestWait, days)
	}
	err = s.change(in.KeyId, func(k *key) error {
		k.Deletion = &wire.Time{Time: s.clock.Now().Add(time.Duration(days) * 24 * time.Hour)}
		out = DeletionOutput{KeyId: k.arn(), KeyState: "PendingDeletion", DeletionDate: k.Deletion, PendingWindowInDays: days}
		return nil
	})
	return out, err
}

func (s *Service) cancelDeletion(_ context.Context, in KeyInput) (out DeletionOutput, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, err := s.find(in.KeyId)
	if err != nil {
		return out, err
	}
	if k.Deletion == nil {
		return out, wire.Errorf("KMSInvalidStateException", "%s is not pending deletion.", k.arn())
	}
	k.Deletion, k.Enabled = nil, false
	return DeletionOutput{KeyId: k.arn()}, s.keys.Put(k.ID, k)
}

// Tag is a label of a key.
type Tag struct{ TagKey, TagValue string }

// TagInput names a key and its labels to set or to remove.
type TagInput struct {
	KeyId   string
	Tags    []Tag
	TagKeys []string
}

// TagsOutput lists labels.
type TagsOutput struct {
	Tags      []Tag
	Truncated bool
}

func (s *Service) tag(_ context.Context, in TagInput) (out wire.Empty, err error) {
	return out, s.change(in.KeyId, func(k *key) error {
		k.Tags = slices.DeleteFunc(k.Tags, func(t Tag) bool {
			return slices.Contains(in.TagKeys, t.TagKey) || slices.ContainsFunc(in.Tags, func(n Tag) bool { return n.TagKey == t.TagKey })
		})
		k.Tags = append(k.Tags, in.Tags...)
		return nil
	})
}

func (s *Service) untag(ctx context.Context, in TagInput) (wire.Empty, error) { return s.tag(ctx, in) }

func (s *Service) listTags(_ context.Context, in TagInput) (TagsOutput, error) {
	k, err := s.find(in.KeyId)
	return TagsOutput{Tags: append([]Tag{}, k.Tags...)}, err
}
