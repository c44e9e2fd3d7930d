package sqs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// PermissionInput names a statement of a queue's policy and, to add one, whom it allows what.
type PermissionInput struct {
	QueueUrl      string
	Label         string
	AWSAccountIds []string
	Actions       []string
}

type queuePolicy struct {
	Version   string
	ID        string `json:"Id"`
	Statement []json.RawMessage
}

func (p queuePolicy) index(label string) int {
	return slices.IndexFunc(p.Statement, func(raw json.RawMessage) bool {
		var s struct{ Sid string }
		return json.Unmarshal(raw, &s) == nil && s.Sid == label
	})
}

func (s *Service) addPermission(_ context.Context, in PermissionInput) (out wire.Empty, err error) {
	if in.Label == "" || len(in.Actions) == 0 || len(in.AWSAccountIds) == 0 {
		return out, errMissing("Label, Actions and AWSAccountIds")
	}
	return out, s.changePolicy(in.QueueUrl, func(q *queue, p *queuePolicy) error {
		if p.index(in.Label) >= 0 {
			return errParameter(in.Label, "Label", "Already exists.")
		}
		var principals, actions []string
		for _, id := range in.AWSAccountIds {
			principals = append(principals, fmt.Sprintf("arn:aws:iam::%s:root", id))
		}
		for _, action := range in.Actions {
			actions = append(actions, "SQS:"+action)
		}
		raw, err := json.Marshal(map[string]any{
			"Sid": in.Label, "Effect": "Allow", "Principal": map[string]any{"AWS": principals},
			"Action": actions, "Resource": q.arn(),
		})
		p.Statement = append(p.Statement, raw)
		return err
	})
}

func (s *Service) removePermission(_ context.Context, in PermissionInput) (out wire.Empty, err error) {
	return out, s.changePolicy(in.QueueUrl, func(_ *queue, p *queuePolicy) error {
		i := p.index(in.Label)
		if i < 0 {
			return errParameter(in.Label, "Label", "can't find label.")
		}
		p.Statement = slices.Delete(p.Statement, i, i+1)
		return nil
	})
}

// changePolicy lets f change the policy document of a queue.
func (s *Service) changePolicy(url string, f func(*queue, *queuePolicy) error) error {
	return s.change(url, func(q *queue, rec *record) error {
		p := queuePolicy{Version: "2012-10-17", ID: arn.New("sqs", rec.Name) + "/SQSDefaultPolicy"}
		if old := rec.Attributes["Policy"]; old != "" {
			if err := json.Unmarshal([]byte(old), &p); err != nil {
				return fmt.Errorf("policy of %s: %w", rec.Name, err)
			}
		}
		if err := f(q, &p); err != nil {
			return err
		}
		document := ""
		if len(p.Statement) > 0 {
			raw, err := json.Marshal(p)
			if err != nil {
				return err
			}
			document = string(raw)
		}
		next, err := rec.Attributes.with(map[string]string{"Policy": document})
		if err != nil {
			return err
		}
		rec.Attributes = next
		rec.Modified = s.cfg.Clock.Now()
		return nil
	})
}
