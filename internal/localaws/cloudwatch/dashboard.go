package cloudwatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// dashboard is a dashboard as it is stored.
type dashboard struct {
	Body     string
	Modified wire.Time
	Tags     []Tag
}

// DashboardInput names a dashboard.
type DashboardInput struct {
	DashboardName string
	DashboardBody string
	Tags          []Tag
}

// PutDashboardOutput says what is wrong with a body that was taken.
type PutDashboardOutput struct{ DashboardValidationMessages []wire.Empty }

// DashboardOutput is one dashboard.
type DashboardOutput struct {
	DashboardARN  string `json:"DashboardArn"`
	DashboardName string
	DashboardBody string
}

var dashboardExpr = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

const (
	maxDashboards    = 500
	maxDashboardBody = 1 << 20
)

// dashboardARN has no region: dashboards are global.
func dashboardARN(name string) string { return arn.Global("cloudwatch", "dashboard/"+name) }

func (s *Service) putDashboard(_ context.Context, in DashboardInput) (out PutDashboardOutput, err error) {
	out.DashboardValidationMessages = []wire.Empty{}
	var body map[string]any
	if !dashboardExpr.MatchString(in.DashboardName) || len(in.DashboardBody) > maxDashboardBody || json.Unmarshal([]byte(in.DashboardBody), &body) != nil {
		return out, &wire.Error{
			Code: "DashboardInvalidInputError", QueryCode: "InvalidParameterInput;Sender",
			Message: "The dashboard's name or body is invalid: a name has letters, digits, - and _, a body is a JSON object.",
		}
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	d, exists, err := s.dashboards.Get(in.DashboardName)
	if err != nil {
		return out, err
	}
	if !exists {
		n := 0
		if err := s.dashboards.Scan("", "", func(string, dashboard) bool { n++; return true }); err != nil || n >= maxDashboards {
			return out, errors.Join(err, &wire.Error{Code: "LimitExceededFault", QueryCode: "LimitExceeded;Sender", Message: "There are too many dashboards."})
		}
		d.Tags = in.Tags
	}
	d.Body, d.Modified = in.DashboardBody, wire.Time{Time: s.cfg.Clock.Now()}
	return out, s.dashboards.Put(in.DashboardName, d)
}

func errNoDashboard(name string) *wire.Error {
	return &wire.Error{
		Code: "DashboardNotFoundError", QueryCode: "ResourceNotFound;Sender", Status: 404,
		Message: fmt.Sprintf("Dashboard %s does not exist", name),
	}
}

func (s *Service) getDashboard(_ context.Context, in DashboardInput) (out DashboardOutput, err error) {
	d, ok, err := s.dashboards.Get(in.DashboardName)
	if err != nil {
		return out, err
	}
	if !ok {
		return out, errNoDashboard(in.DashboardName)
	}
	return DashboardOutput{dashboardARN(in.DashboardName), in.DashboardName, d.Body}, nil
}

// ListDashboardsInput says which dashboards.
type ListDashboardsInput struct{ DashboardNamePrefix string }

// ListDashboardsOutput is the dashboards by name.
type ListDashboardsOutput struct{ DashboardEntries []DashboardEntry }

// DashboardEntry is a dashboard in a list. Size is in bytes.
type DashboardEntry struct {
	DashboardName string
	DashboardARN  string `json:"DashboardArn"`
	LastModified  wire.Time
	Size          int
}

func (s *Service) listDashboards(_ context.Context, in ListDashboardsInput) (out ListDashboardsOutput, err error) {
	out.DashboardEntries = []DashboardEntry{}
	return out, s.dashboards.Scan(in.DashboardNamePrefix, "", func(name string, d dashboard) bool {
		out.DashboardEntries = append(out.DashboardEntries, DashboardEntry{name, dashboardARN(name), d.Modified, len(d.Body)})
		return true
	})
}

// DeleteDashboardsInput names dashboards.
type DeleteDashboardsInput struct{ DashboardNames []string }

func (s *Service) deleteDashboards(_ context.Context, in DeleteDashboardsInput) (out wire.Empty, err error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	for _, name := range in.DashboardNames {
		if _, ok, err := s.dashboards.Get(name); err != nil || !ok {
			return out, errors.Join(err, errNoDashboard(strings.Join(in.DashboardNames, ",")))
		}
	}
	return out, s.cfg.Store.Update(func(tx *state.Tx) error {
		for _, name := range in.DashboardNames {
			s.dashboards.DeleteTx(tx, name)
		}
		return nil
	})
}
