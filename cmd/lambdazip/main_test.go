package main_test

import (
	"archive/zip"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// The same source must give the same bytes: a deployment without a change is none.
func TestSameInputGivesSameBytes(t *testing.T) {
	tool := filepath.Join(t.TempDir(), "lambdazip")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", tool, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	var zips [2][]byte
	for i, age := range []time.Duration{0, 1000 * time.Hour} {
		dir := t.TempDir()
		for _, name := range []string{"bootstrap", "strategies/b.clj", "strategies/a.clj", "strategies/deep/c.clj"} {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
				t.Fatal(err)
			}
			then := time.Now().Add(-age)
			if err := os.Chtimes(path, then, then); err != nil {
				t.Fatal(err)
			}
		}
		out := filepath.Join(dir, "f.zip")
		cmd := exec.CommandContext(t.Context(), tool, "-o", out, "bootstrap="+filepath.Join(dir, "bootstrap"), "strategies="+filepath.Join(dir, "strategies"))
		if msg, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("lambdazip: %v\n%s", err, msg)
		}
		raw, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		zips[i] = raw
	}
	if !bytes.Equal(zips[0], zips[1]) {
		t.Error("the zip depends on when its files were written")
	}
	z, err := zip.NewReader(bytes.NewReader(zips[0]), int64(len(zips[0])))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
		if f.Mode().Perm() != 0o755 {
			t.Errorf("%s has mode %s: Lambda could not run it", f.Name, f.Mode())
		}
	}
	if want := []string{"bootstrap", "strategies/a.clj", "strategies/b.clj", "strategies/deep/c.clj"}; !slices.Equal(names, want) {
		t.Errorf("the zip holds %q, want %q", names, want)
	}
}
