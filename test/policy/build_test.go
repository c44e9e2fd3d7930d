package policy_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

// copyOf copies what `make` needs to build the functions to a folder of another name.
func copyOf(t *testing.T, name string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), name)
	for _, part := range []string{"cmd/lambdazip", "functions", "internal", "pkg", "tools", "strategies"} {
		if err := os.CopyFS(filepath.Join(folder, part), os.DirFS(filepath.Join("../..", part))); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"Makefile", "go.mod", "go.sum"} {
		raw, err := os.ReadFile(filepath.Join("../..", file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, file), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func makes(t *testing.T, folder, target string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "make", "-C", folder, target).CombinedOutput(); err != nil {
		t.Fatalf("make %s: %v\n%s", target, err, out)
	}
}

func TestAFunctionBuiltElsewhereHasTheSameBytes(t *testing.T) {
	t.Parallel()
	var built [][]byte
	for _, name := range []string{"here", "in/another/place"} {
		folder := copyOf(t, name)
		makes(t, folder, "zip-strategy")
		raw, err := os.ReadFile(filepath.Join(folder, "build", runtime.GOARCH, "strategy.zip"))
		if err != nil {
			t.Fatal(err)
		}
		built = append(built, raw)
	}
	if !bytes.Equal(built[0], built[1]) {
		t.Error("the same source gives different zips in different folders: a deployment would see a change where there is none")
	}
}

func TestTheBillOfMaterialsNamesWhatIsBuiltIn(t *testing.T) {
	t.Parallel()
	folder := copyOf(t, "bill")
	makes(t, folder, "sbom-monitor")
	raw, err := os.ReadFile(filepath.Join(folder, "build", runtime.GOARCH, "monitor.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	var bill struct {
		BOMFormat  string
		Components []struct{ Name, Version, PURL string }
	}
	if err := json.Unmarshal(raw, &bill); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"github.com/aws/aws-lambda-go", "go.uber.org/zap", "std"} {
		i := slices.IndexFunc(bill.Components, func(c struct{ Name, Version, PURL string }) bool { return c.Name == want })
		if i < 0 || bill.Components[i].Version == "" || bill.Components[i].PURL == "" {
			t.Errorf("the bill of %d components does not name %s with version and address", len(bill.Components), want)
		}
	}
}
