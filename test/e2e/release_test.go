package e2e_test

import (
	"archive/zip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/gruntwork-io/terratest/modules/terraform"
)

// testRelease deploys one function: a version that cannot start, which changes nothing, then one that works, and goes back.
func (d *deployment) testRelease(t *testing.T) {
	before := d.liveVersions(t)

	d.repack(t, "bootstrap", "#!/bin/sh\nexit 1\n")
	if out, err := d.alchemiser(t, "deploy", "execution", "--yes").CombinedOutput(); err == nil || !strings.Contains(string(out), "is still live") {
		t.Errorf("deploy of a broken function = %v, want that the old version is still live:\n%s", err, out)
	}
	if now := d.liveVersions(t); now["execution"] != before["execution"] {
		t.Errorf("a version that fails its smoke test is live: %s, was %s", now["execution"], before["execution"])
	}

	d.repack(t, "note.txt", "another release")
	var done struct {
		From, To string
		Changes  []struct{ Address string }
		Smoke    struct{ Checks []struct{ OK bool } }
	}
	d.mustAnswer(t, &done, "deploy", "execution", "--yes", "--json")
	if done.From != before["execution"] || done.To == done.From || len(done.Smoke.Checks) < 5 {
		t.Errorf("deploy says %+v, want a new version with its smoke test", done)
	}
	for _, c := range done.Changes {
		if !strings.HasPrefix(c.Address, `module.function["execution"].`) {
			t.Errorf("the deployment of execution changed %s", c.Address)
		}
	}
	now := d.liveVersions(t)
	for function, version := range before {
		if function != "execution" && now[function] != version {
			t.Errorf("the deployment of execution moved %s from %s to %s", function, version, now[function])
		}
	}
	d.post(t, d.stack.Record.BrokerURL+"/_control/reset", "") // else there would be nothing to trade
	if err := d.runWorks(t.Context(), "released"); err != nil {
		t.Errorf("after the deployment: %v", err)
	}

	d.mustAnswer(t, &done, "rollback", "execution", "--yes", "--json")
	if done.To != before["execution"] {
		t.Errorf("rollback went to version %s, want %s: the one between never worked", done.To, before["execution"])
	}
	if code := terraform.PlanExitCodeContext(t, t.Context(), d.terraform); code != 0 {
		t.Errorf("the next apply would undo the rollback:\n%s", terraform.PlanContext(t, t.Context(), d.terraform))
	}
	if now := d.liveVersions(t); now["execution"] != before["execution"] {
		t.Errorf("live is %s after the rollback, want %s", now["execution"], before["execution"])
	}
	d.post(t, d.stack.Record.BrokerURL+"/_control/reset", "")
	if err := d.runWorks(t.Context(), "rolled-back"); err != nil {
		t.Errorf("after the rollback: %v", err)
	}

	d.mustAnswer(t, &done, "deploy", "execution", "--yes", "--json")
	if now := d.liveVersions(t); done.From != before["execution"] || now["execution"] != done.To || done.To == done.From {
		t.Errorf("deploy after the rollback says %+v and live is %s, want that it follows the newest version again", done, now["execution"])
	}
}

func (d *deployment) liveVersions(t *testing.T) map[string]string {
	t.Helper()
	versions := map[string]string{}
	for _, function := range []string{"strategy", "portfolio", "execution", "monitor"} {
		alias, err := lambda.NewFromConfig(d.aws).GetAlias(t.Context(), &lambda.GetAliasInput{
			FunctionName: aws.String("alchemiser-" + function + "-" + stage), Name: aws.String("live"),
		})
		if err != nil {
			t.Fatal(err)
		}
		versions[function] = *alias.FunctionVersion
	}
	return versions
}

// mustAnswer decodes what a command prints.
func (d *deployment) mustAnswer(t *testing.T, into any, args ...string) {
	t.Helper()
	cmd := d.alchemiser(t, args...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, said.String())
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// artifacts copies the zips, so that a test may change them.
func artifacts(t *testing.T, root string) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(filepath.Join(folder, runtime.GOARCH), os.DirFS(filepath.Join(root, "build", runtime.GOARCH))); err != nil {
		t.Fatalf("copy the zips (built with `make build`?): %v", err)
	}
	return folder
}

// repack writes execution's zip again as it was built, but with a file more, or another one in a file's place.
func (d *deployment) repack(t *testing.T, name, content string) {
	t.Helper()
	built, err := zip.OpenReader(filepath.Join("../../build", runtime.GOARCH, "execution.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer built.Close()
	out, err := os.Create(filepath.Join(d.artifacts, runtime.GOARCH, "execution.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	w := zip.NewWriter(out)
	for _, f := range built.File {
		if f.Name == name {
			continue
		}
		if err := w.Copy(f); err != nil {
			t.Fatal(err)
		}
	}
	header := &zip.FileHeader{Name: name, Method: zip.Deflate}
	header.SetMode(0o755)
	file, err := w.CreateHeader(header)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(file, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
