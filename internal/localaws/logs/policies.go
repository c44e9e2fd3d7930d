package logs

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/logs/filter"
	"github.com/the-alchemiser/alchemiser/internal/localaws/policy"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// maxPolicies is how many resource policies an account may have.
const maxPolicies = 10

// policyRecord is a resource policy as it is stored and shown.
type policyRecord struct {
	PolicyName      string `json:"policyName"`
	PolicyDocument  string `json:"policyDocument"`
	LastUpdatedTime int64  `json:"lastUpdatedTime"`
	PolicyScope     string `json:"policyScope"`
}

// PolicyInput names a resource policy.
type PolicyInput struct {
	PolicyName     string `json:"policyName"`
	PolicyDocument string `json:"policyDocument"`
}

// PolicyOutput shows one policy.
type PolicyOutput struct {
	ResourcePolicy policyRecord `json:"resourcePolicy"`
}

// PoliciesOutput shows all of them.
type PoliciesOutput struct {
	ResourcePolicies []policyRecord `json:"resourcePolicies"`
}

func (s *Service) putPolicy(_ context.Context, in PolicyInput) (out PolicyOutput, err error) {
	if in.PolicyName == "" {
		return out, errParameter("policyName is required.")
	}
	if _, err := policy.Parse(policy.Resource, in.PolicyDocument); err != nil {
		return out, errParameter("%s", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	have, err := s.allPolicies()
	if err != nil {
		return out, err
	}
	_, exists, err := s.policies.Get(in.PolicyName)
	if err != nil {
		return out, err
	}
	if !exists && len(have) >= maxPolicies {
		return out, wire.Errorf("LimitExceededException", "Resource limit exceeded.")
	}
	out.ResourcePolicy = policyRecord{in.PolicyName, in.PolicyDocument, s.now(), "ACCOUNT"}
	return out, s.policies.Put(in.PolicyName, out.ResourcePolicy)
}

// allPolicies returns the resource policies in the order of their names.
func (s *Service) allPolicies() ([]policyRecord, error) {
	policies := []policyRecord{}
	err := s.policies.Scan("", "", func(_ string, p policyRecord) bool {
		policies = append(policies, p)
		return true
	})
	return policies, err
}

func (s *Service) describePolicies(context.Context, wire.Empty) (out PoliciesOutput, err error) {
	out.ResourcePolicies, err = s.allPolicies()
	return out, err
}

func (s *Service) deletePolicy(_ context.Context, in PolicyInput) (out wire.Empty, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok, err := s.policies.Get(in.PolicyName)
	if err != nil {
		return out, err
	}
	if !ok {
		return out, wire.Errorf("ResourceNotFoundException", "Policy with name [%s] does not exist.", in.PolicyName)
	}
	return out, s.policies.Delete(in.PolicyName)
}

// MetricFilter is a metric filter as it is stored and shown; nothing is counted by it.
type MetricFilter struct {
	FilterName            string            `json:"filterName"`
	FilterPattern         *string           `json:"filterPattern,omitempty"`
	LogGroupName          string            `json:"logGroupName"`
	MetricTransformations []json.RawMessage `json:"metricTransformations"`
	CreationTime          int64             `json:"creationTime,omitempty"`
}

func (s *Service) putMetricFilter(_ context.Context, in MetricFilter) (out wire.Empty, err error) {
	if in.FilterPattern == nil || in.FilterName == "" || len(in.MetricTransformations) == 0 {
		return out, errParameter("filterName, filterPattern and metricTransformations are required.")
	}
	if _, err := filter.Parse(*in.FilterPattern); err != nil {
		return out, errParameter("%s", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.find(in.LogGroupName); err != nil {
		return out, err
	}
	in.CreationTime = s.now()
	return out, s.metrics.Put(in.LogGroupName+"\x00"+in.FilterName, in)
}

// DescribeMetricFiltersInput asks for metric filters, of all groups or of one.
type DescribeMetricFiltersInput struct {
	LogGroupName     string `json:"logGroupName"`
	FilterNamePrefix string `json:"filterNamePrefix"`
	MetricName       string `json:"metricName"`
	MetricNamespace  string `json:"metricNamespace"`
}

// DescribeMetricFiltersOutput holds them.
type DescribeMetricFiltersOutput struct {
	MetricFilters []MetricFilter `json:"metricFilters"`
}

func (s *Service) describeMetricFilters(_ context.Context, in DescribeMetricFiltersInput) (out DescribeMetricFiltersOutput, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	prefix := ""
	if in.LogGroupName != "" {
		if _, err := s.find(in.LogGroupName); err != nil {
			return out, err
		}
		prefix = in.LogGroupName + "\x00"
	}
	out.MetricFilters = []MetricFilter{}
	err = s.metrics.Scan(prefix, "", func(_ string, f MetricFilter) bool {
		if strings.HasPrefix(f.FilterName, in.FilterNamePrefix) && f.feeds(in.MetricNamespace, in.MetricName) {
			out.MetricFilters = append(out.MetricFilters, f)
		}
		return true
	})
	return out, err
}

// feeds reports whether the filter makes the metric; "" stands for any.
func (f MetricFilter) feeds(namespace, name string) bool {
	for _, raw := range f.MetricTransformations {
		var t struct {
			Namespace string `json:"metricNamespace"`
			Name      string `json:"metricName"`
		}
		if json.Unmarshal(raw, &t) == nil && (namespace == "" || t.Namespace == namespace) && (name == "" || t.Name == name) {
			return true
		}
	}
	return false
}

func (s *Service) deleteMetricFilter(_ context.Context, in MetricFilter) (out wire.Empty, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row := in.LogGroupName + "\x00" + in.FilterName
	_, ok, err := s.metrics.Get(row)
	if err != nil {
		return out, err
	}
	if !ok {
		return out, wire.Errorf("ResourceNotFoundException", "The specified metric filter does not exist.")
	}
	return out, s.metrics.Delete(row)
}
