package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestConsent(t *testing.T) {
	for name, tt := range map[string]struct {
		consent consent
		account string
		answer  string
		want    string // part of the error; empty means agreed
	}{
		"yes on the local endpoint":                  {consent{yes: true}, localAccount, "", ""},
		"yes on a real account":                      {consent{yes: true}, "123456789012", "", "needs --account 123456789012"},
		"yes on the account that is meant":           {consent{yes: true, account: "123456789012"}, "123456789012", "", ""},
		"yes on another account than is meant":       {consent{yes: true, account: "123456789012"}, localAccount, "", "--account 123456789012 is meant"},
		"an answer":                                  {consent{}, "123456789012", "y\n", ""},
		"an answer on another account than is meant": {consent{account: "123456789012"}, "999999999999", "y\n", "is meant"},
		"no":                   {consent{}, localAccount, "n\n", "not agreed to"},
		"only return":          {consent{}, localAccount, "\n", "not agreed to"},
		"the end of the input": {consent{}, localAccount, "", "not agreed to"},
	} {
		t.Run(name, func(t *testing.T) {
			var said strings.Builder
			cmd := &cobra.Command{}
			cmd.SetIn(strings.NewReader(tt.answer))
			cmd.SetErr(&said)
			err := tt.consent.ask(cmd, tt.account, "trade")
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("ask = %v, want %q", err, tt.want)
			}
			if !strings.Contains(said.String(), "trade") {
				t.Errorf("said %q, want what will be done", said.String())
			}
		})
	}
}
