package dynamodb

import (
	"context"
	"slices"

	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb/attr"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// TTLSpecification switches time to live on or off.
type TTLSpecification struct {
	AttributeName string
	Enabled       bool
}

// UpdateTTLInput changes the time to live of a table.
type UpdateTTLInput struct {
	TableName               string
	TimeToLiveSpecification TTLSpecification
}

// UpdateTTLOutput echoes what was set.
type UpdateTTLOutput struct{ TimeToLiveSpecification TTLSpecification }

func (s *Service) updateTTL(_ context.Context, in UpdateTTLInput) (out UpdateTTLOutput, err error) {
	spec := in.TimeToLiveSpecification
	if spec.AttributeName == "" {
		return out, attr.Invalidf("1 validation error detected: Value '' at 'timeToLiveSpecification.attributeName' failed to " +
			"satisfy constraint: Member must have length greater than or equal to 1")
	}
	defer s.lockAll()() // or an item that is written meanwhile had no row among the times
	rec, err := s.change(in.TableName, func(rec *record) error {
		switch {
		case spec.Enabled && rec.TTL != "":
			return attr.Invalidf("TimeToLive is already enabled")
		case !spec.Enabled && rec.TTL == "":
			return attr.Invalidf("TimeToLive is already disabled")
		case !spec.Enabled && rec.TTL != spec.AttributeName:
			return attr.Invalidf("TimeToLive is active on a different AttributeName: current AttributeName is %s", rec.TTL)
		case spec.Enabled:
			rec.TTL = spec.AttributeName
		default:
			rec.TTL = ""
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	if spec.Enabled {
		err = s.indexExpiry(rec)
	}
	return UpdateTTLOutput{TimeToLiveSpecification: spec}, err
}

// DescribeTTLOutput tells the time to live of a table.
type DescribeTTLOutput struct{ TimeToLiveDescription ttlDescription }

type ttlDescription struct {
	TimeToLiveStatus string
	AttributeName    string `json:",omitempty"`
}

func (s *Service) describeTTL(_ context.Context, in TableInput) (out DescribeTTLOutput, err error) {
	rec, err := s.described(in.TableName)
	if err != nil {
		return out, err
	}
	out.TimeToLiveDescription = ttlDescription{TimeToLiveStatus: "DISABLED"}
	if rec.TTL != "" {
		out.TimeToLiveDescription = ttlDescription{TimeToLiveStatus: "ENABLED", AttributeName: rec.TTL}
	}
	return out, nil
}

// UpdateBackupsInput switches point-in-time recovery on or off. There is nothing to recover here: it is kept and shown.
type UpdateBackupsInput struct {
	TableName                        string
	PointInTimeRecoverySpecification struct {
		PointInTimeRecoveryEnabled bool
		RecoveryPeriodInDays       int
	}
}

// BackupsOutput tells the continuous backups of a table.
type BackupsOutput struct{ ContinuousBackupsDescription backupsDescription }

type backupsDescription struct {
	ContinuousBackupsStatus        string
	PointInTimeRecoveryDescription recoveryDescription
}

type recoveryDescription struct {
	PointInTimeRecoveryStatus  string
	RecoveryPeriodInDays       int        `json:",omitempty"`
	EarliestRestorableDateTime *wire.Time `json:",omitempty"`
	LatestRestorableDateTime   *wire.Time `json:",omitempty"`
}

func (s *Service) updateBackups(_ context.Context, in UpdateBackupsInput) (out BackupsOutput, err error) {
	spec := in.PointInTimeRecoverySpecification
	if spec.RecoveryPeriodInDays == 0 {
		spec.RecoveryPeriodInDays = 35
	}
	if spec.RecoveryPeriodInDays < 1 || spec.RecoveryPeriodInDays > 35 {
		return out, attr.Invalidf("RecoveryPeriodInDays must be between 1 and 35")
	}
	rec, err := s.change(in.TableName, func(rec *record) error {
		if !spec.PointInTimeRecoveryEnabled {
			rec.RecoveryDays = 0
			return nil
		}
		if rec.RecoveryDays == 0 {
			rec.RecoveryFrom = s.cfg.Clock.Now()
		}
		rec.RecoveryDays = spec.RecoveryPeriodInDays
		return nil
	})
	return s.backups(rec), err
}

func (s *Service) describeBackups(_ context.Context, in TableInput) (out BackupsOutput, err error) {
	rec, err := s.table(in.TableName)
	if err != nil {
		return out, wire.Errorf("TableNotFoundException", "Table not found: %s", tableName(in.TableName))
	}
	return s.backups(rec), nil
}

func (s *Service) backups(rec record) BackupsOutput {
	d := backupsDescription{
		ContinuousBackupsStatus:        "ENABLED",
		PointInTimeRecoveryDescription: recoveryDescription{PointInTimeRecoveryStatus: "DISABLED"},
	}
	if rec.RecoveryDays > 0 {
		d.PointInTimeRecoveryDescription = recoveryDescription{
			PointInTimeRecoveryStatus: "ENABLED", RecoveryPeriodInDays: rec.RecoveryDays,
			EarliestRestorableDateTime: &wire.Time{Time: rec.RecoveryFrom},
			LatestRestorableDateTime:   &wire.Time{Time: s.cfg.Clock.Now()},
		}
	}
	return BackupsOutput{ContinuousBackupsDescription: d}
}

// TagsInput names a table by its ARN, and tags.
type TagsInput struct {
	ResourceArn string
	Tags        []Tag
	TagKeys     []string
}

// TagsOutput holds the tags of a table.
type TagsOutput struct{ Tags []Tag }

func (s *Service) listTags(_ context.Context, in TagsInput) (out TagsOutput, err error) {
	rec, err := s.described(in.ResourceArn)
	return TagsOutput{Tags: append([]Tag{}, rec.Tags...)}, err
}

func (s *Service) tag(_ context.Context, in TagsInput) (out wire.Empty, err error) {
	_, err = s.change(in.ResourceArn, func(rec *record) error {
		rec.Tags = slices.DeleteFunc(slices.Clone(rec.Tags), func(t Tag) bool {
			return slices.ContainsFunc(in.Tags, func(n Tag) bool { return n.Key == t.Key })
		})
		rec.Tags = append(rec.Tags, in.Tags...)
		return nil
	})
	return out, err
}

func (s *Service) untag(_ context.Context, in TagsInput) (out wire.Empty, err error) {
	_, err = s.change(in.ResourceArn, func(rec *record) error {
		rec.Tags = slices.DeleteFunc(slices.Clone(rec.Tags), func(t Tag) bool { return slices.Contains(in.TagKeys, t.Key) })
		return nil
	})
	return out, err
}
