package iam

import (
	"context"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// boundary returns the boundary that a managed policy makes. The caller holds mu.
func (s *Service) boundary(policyARN string) (*Boundary, error) {
	if _, err := s.managed(policyARN); err != nil {
		return nil, err
	}
	return &Boundary{PermissionsBoundaryType: "Policy", PermissionsBoundaryArn: policyARN}, nil
}

// RoleBoundary names a role and the managed policy that limits it.
type RoleBoundary struct{ RoleName, PermissionsBoundary string }

func (s *Service) putBoundary(_ context.Context, in RoleBoundary) (out wire.Empty, err error) {
	return out, s.changeRole(in.RoleName, func(r *role) (err error) {
		r.PermissionsBoundary, err = s.boundary(in.PermissionsBoundary)
		return err
	})
}

func (s *Service) deleteBoundary(_ context.Context, in RoleInput) (out wire.Empty, err error) {
	return out, s.changeRole(in.RoleName, func(r *role) error {
		r.PermissionsBoundary = nil
		return nil
	})
}
