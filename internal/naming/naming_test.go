package naming_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/the-alchemiser/alchemiser/internal/naming"
)

// Terraform decides on names: each of ours must stand in its code, with the stage and the function as variables.
func TestTerraformGivesTheseNames(t *testing.T) {
	t.Parallel()
	var code strings.Builder
	err := filepath.WalkDir("../../terraform", func(path string, entry os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".tf" {
			return err
		}
		raw, err := os.ReadFile(path)
		code.Write(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	terraform := regexp.MustCompile(`\$\{var\.name\}`).ReplaceAllString(code.String(), "FUNCTION")
	terraform = regexp.MustCompile(`\$\{var\.stage\}`).ReplaceAllString(terraform, "STAGE")

	const stage = naming.Stage("STAGE")
	names := []string{
		stage.Bus(), stage.Archive(), stage.Table(), stage.Function("FUNCTION"), stage.DeadLetters("FUNCTION"), stage.EventDeadLetters(),
		stage.TradesRule(), stage.EventLog(), stage.ScheduleGroup(), stage.Schedule("watchdog"), stage.DigestTopic(), stage.AlarmsTopic(), stage.TradingSwitch(),
		stage.RulesOff(), stage.BrokerKeys(), stage.HostQueue(), stage.Dashboard(), stage.AlarmPrefix() + "${each.key}",
	}
	for _, f := range naming.Functions() {
		names = append(names, stage.Rule(f))
	}
	for _, name := range names {
		if !strings.Contains(terraform, `"`+name+`"`) {
			t.Errorf("Terraform names nothing %q", name)
		}
	}
}
