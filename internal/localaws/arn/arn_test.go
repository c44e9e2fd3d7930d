package arn_test

import (
	"testing"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
)

func TestParse(t *testing.T) {
	tests := map[string]struct {
		in   string
		want arn.ARN
		ok   bool
	}{
		"regional":               {arn.New("sqs", "q"), arn.ARN{"aws", "sqs", "us-east-1", "000000000000", "q"}, true},
		"global":                 {arn.Global("iam", "role/r"), arn.ARN{"aws", "iam", "", "000000000000", "role/r"}, true},
		"colons in the resource": {"arn:aws:logs:us-east-1:000000000000:log-group:/a:*", arn.ARN{"aws", "logs", "us-east-1", "000000000000", "log-group:/a:*"}, true},
		"no resource":            {"arn:aws:sqs:us-east-1:000000000000:", arn.ARN{}, false},
		"too short":              {"arn:aws:sqs", arn.ARN{}, false},
		"a URL":                  {"http://a:b:c:d:e", arn.ARN{}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got, ok := arn.Parse(tt.in); got != tt.want || ok != tt.ok {
				t.Errorf("Parse(%q) = %+v, %t", tt.in, got, ok)
			}
		})
	}
}
