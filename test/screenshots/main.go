// Command screenshots makes the pictures of the README from a real run: it deploys a local stack, lets it trade, lets one
// event fail, and shows what an operator sees. Run it by `make screenshots`.
package main

import (
	"bytes"
	"context"
	_ "embed" // the form of a picture
	"flag"
	"fmt"
	"html/template"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

const stage = "shots"

//go:embed terminal.svg.tmpl
var form string

func main() {
	out := flag.String("out", "docs/img", "folder for the pictures")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *out)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string) (err error) {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	if _, err := alchemiser(ctx, "up"); err != nil {
		return err
	}
	defer func() {
		if _, down := alchemiser(context.WithoutCancel(ctx), "down"); down != nil && err == nil {
			err = down
		}
	}()
	id, err := aRun(ctx)
	if err != nil {
		return err
	}
	// A portfolio that is not shipped: strategy can never handle its start.
	if _, err := alchemiser(ctx, "publish", "--set", "portfolio_id=unknown", "--yes"); err != nil {
		return err
	}
	// Alarms look at whole minutes, and a metric needs some to be a line.
	fmt.Fprintln(os.Stderr, "waiting for the alarms")
	select {
	case <-time.After(90 * time.Second):
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, picture := range []struct {
		file string
		args []string
	}{
		{"status.svg", []string{"status"}},
		{"trace.svg", []string{"trace", id}},
		{"dlq.svg", []string{"dlq", "list"}},
		{"validate.svg", []string{"validate", "--since", "1h"}},
	} {
		text, err := alchemiser(ctx, picture.args...)
		if err != nil && picture.args[0] != "validate" { // which says no, as it should
			return err
		}
		command := "alchemiser " + strings.Join(picture.args, " ")
		if err := draw(filepath.Join(out, picture.file), command, text); err != nil {
			return err
		}
	}
	_, err = alchemiser(ctx, "dashboard", "--since", "15m", "--out", filepath.Join(out, "dashboard.svg"))
	return err
}

// aRun starts a run, waits for its end and returns its correlation id.
func aRun(ctx context.Context) (string, error) {
	if _, err := alchemiser(ctx, "publish", "--wait", "--yes"); err != nil {
		return "", err
	}
	list, err := alchemiser(ctx, "workflow", "list")
	if err != nil {
		return "", err
	}
	id := regexp.MustCompile(`run-main-\S+`).FindString(list)
	if id == "" {
		return "", fmt.Errorf("there is no run in %s", list)
	}
	return id, nil
}

// alchemiser runs the CLI and returns what it printed. The environment names no account, so it talks to the local stack.
func alchemiser(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "bin/alchemiser", append([]string{"--stage", stage}, args...)...)
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "AWS_") {
			cmd.Env = append(cmd.Env, pair)
		}
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("alchemiser %s: %w", strings.Join(args, " "), err)
	}
	return out.String(), nil
}

// One character of the terminal, in the units of the picture, and the longest picture in lines.
const (
	charWidth  = 7.2
	lineHeight = 16
	maxLines   = 100
)

// draw writes what a command printed as a picture of a terminal.
func draw(file, command, text string) error {
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	if len(lines) > maxLines {
		lines = append(lines[:maxLines-3:maxLines-3], append([]string{"…"}, lines[len(lines)-2:]...)...)
	}
	lines = append([]string{"$ " + command, ""}, lines...)
	longest := 0
	for _, line := range lines {
		longest = max(longest, utf8.RuneCountInString(line))
	}
	tmpl, err := template.New("terminal").Funcs(template.FuncMap{
		"y": func(i int) int { return 40 + i*lineHeight },
	}).Parse(form)
	if err != nil {
		return fmt.Errorf("draw %s: %w", file, err)
	}
	var svg bytes.Buffer
	err = tmpl.Execute(&svg, struct {
		Lines         []string
		Width, Height int
	}{lines, int(float64(longest)*charWidth) + 40, 50 + len(lines)*lineHeight})
	if err != nil {
		return fmt.Errorf("draw %s: %w", file, err)
	}
	return os.WriteFile(file, svg.Bytes(), 0o644)
}
