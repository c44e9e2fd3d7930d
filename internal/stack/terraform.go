package stack

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Terraform runs the project's root module against the stack. State and plugins are in the run folder, so that they
// never meet those of another target.
type Terraform struct {
	stage string
	dir   string
	state string
	// env is this stack's; nil leaves Terraform the environment of this process.
	env map[string]string
	// varFile holds variables of the stage; empty means none.
	varFile string
}

// ErrNoTerraform says that Terraform is not installed.
var ErrNoTerraform = errors.New("terraform is not on the PATH: install 1.6 or later from https://developer.hashicorp.com/terraform/install")

func newTerraform(cfg Config, r Record) (*Terraform, error) {
	if _, err := exec.LookPath("terraform"); err != nil {
		return nil, ErrNoTerraform
	}
	env := map[string]string{
		"AWS_ENDPOINT_URL":      r.URL,
		"AWS_ACCESS_KEY_ID":     "test",
		"AWS_SECRET_ACCESS_KEY": "test",
		"AWS_REGION":            "us-east-1",
		"AWS_DEFAULT_REGION":    "us-east-1",
		// The SDKs would otherwise look for a machine role when the keys are missing.
		"AWS_EC2_METADATA_DISABLED": "true",
		"TF_DATA_DIR":               filepath.Join(cfg.Folder(), "terraform"),
		"TF_IN_AUTOMATION":          "1",
		"TF_VAR_architecture":       cfg.Architecture,
		"TF_VAR_broker_base_url":    r.BrokerURL,
		"TF_VAR_broker_data_url":    r.BrokerURL,
		// The clock of the paper broker stands still; a real schedule would start runs beside ours.
		"TF_VAR_schedules_enabled":  "false",
		"TF_VAR_notification_email": Address,
	}
	for name, value := range cfg.Variables {
		env["TF_VAR_"+name] = value
	}
	config, err := ProviderConfig(cfg.Folder())
	if err != nil {
		return nil, err
	}
	if config != "" {
		env["TF_CLI_CONFIG_FILE"] = config
	}
	return &Terraform{
		stage: cfg.Stage,
		dir:   filepath.Join(cfg.Root, "terraform"),
		state: filepath.Join(cfg.Folder(), "terraform.tfstate"),
		env:   env,
	}, nil
}

// Progress is told how far an apply has come: done of total resources, and the one that was just finished.
type Progress func(done, total int, resource string)

// Init prepares the root module: provider and state.
func (t *Terraform) Init(ctx context.Context) error {
	_, err := t.run(ctx, nil, "init", "-input=false", "-no-color", "-reconfigure", "-backend-config=path="+t.state)
	if err != nil && strings.Contains(err.Error(), "registry.terraform.io") {
		return fmt.Errorf("%w\n\nThe AWS provider could not be had: connect to the network, or put a provider mirror "+
			"(a folder with registry.terraform.io/hashicorp/aws) below ~/.terraform.d/plugins", err)
	}
	return err
}

// Apply deploys.
func (t *Terraform) Apply(ctx context.Context, progress Progress) error {
	return t.report(ctx, progress, append([]string{"apply", "-json", "-input=false", "-auto-approve", "-parallelism=30"}, t.variables()...)...)
}

// Outputs returns the outputs of the root module by name, as JSON.
func (t *Terraform) Outputs(ctx context.Context) (map[string]json.RawMessage, error) {
	out, err := t.run(ctx, nil, "output", "-json", "-no-color")
	if err != nil {
		return nil, err
	}
	var values map[string]struct {
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(out, &values); err != nil {
		return nil, fmt.Errorf("terraform output: %w", err)
	}
	outputs := make(map[string]json.RawMessage, len(values))
	for name, v := range values {
		outputs[name] = v.Value
	}
	return outputs, nil
}

// report runs terraform with its machine-readable output: progress is told, and an error is what Terraform has to say.
func (t *Terraform) report(ctx context.Context, progress Progress, args ...string) error {
	ui := &uiReader{progress: progress}
	_, err := t.run(ctx, ui, args...)
	if err != nil && len(ui.diagnostics) > 0 {
		return fmt.Errorf("terraform %s: %s", args[0], strings.Join(ui.diagnostics, "\n"))
	}
	return err
}

// run runs terraform. If ctx ends, terraform and its plugins are asked to stop and, after a while, killed.
func (t *Terraform) run(ctx context.Context, ui *uiReader, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "terraform", args...)
	cmd.Dir = t.dir
	if t.env != nil {
		cmd.Env = environ(t.env)
	}
	cmd.SysProcAttr = attributes(false)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = grace
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if ui != nil {
		cmd.Stdout = ui
	}
	err := cmd.Run()
	if cmd.Process != nil {
		// Whatever plugin is left of an interrupted run: nobody is, after a regular one.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("terraform %s: %w\n%s", args[0], err, strings.TrimSpace(errOut.String()))
	}
	return out.Bytes(), nil
}

// uiReader reads terraform's machine-readable output.
// https://developer.hashicorp.com/terraform/internals/machine-readable-ui
type uiReader struct {
	progress    Progress
	partial     []byte
	done, total int
	diagnostics []string
}

type uiMessage struct {
	Type    string `json:"type"`
	Changes struct {
		Add    int `json:"add"`
		Change int `json:"change"`
		Remove int `json:"remove"`
	} `json:"changes"`
	Hook struct {
		Action   string `json:"action"`
		Resource struct {
			Addr string `json:"addr"`
		} `json:"resource"`
	} `json:"hook"`
	Diagnostic struct {
		Severity string `json:"severity"`
		Summary  string `json:"summary"`
		Detail   string `json:"detail"`
		Address  string `json:"address"`
	} `json:"diagnostic"`
}

// Write implements io.Writer.
func (u *uiReader) Write(p []byte) (int, error) {
	u.partial = append(u.partial, p...)
	lines := bufio.NewReader(bytes.NewReader(u.partial))
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			u.partial = line
			return len(p), nil
		}
		var m uiMessage
		if json.Unmarshal(line, &m) == nil { // anything else is prose for people
			u.take(m)
		}
	}
}

func (u *uiReader) take(m uiMessage) {
	switch m.Type {
	case "change_summary":
		u.total = max(u.total, m.Changes.Add+m.Changes.Change+m.Changes.Remove)
	case "apply_complete": // destroying as well
		if m.Hook.Action == "read" {
			return // data sources are not part of the summary
		}
		u.done++
		if u.progress != nil {
			u.progress(u.done, u.total, m.Hook.Resource.Addr)
		}
	case "diagnostic":
		if m.Diagnostic.Severity == "error" {
			u.diagnostics = append(u.diagnostics, strings.TrimSpace(m.Diagnostic.Address+" "+m.Diagnostic.Summary+": "+m.Diagnostic.Detail))
		}
	}
}

// environ is this process's environment with more on top of it, less what would lead AWS clients elsewhere.
func environ(more map[string]string) []string {
	env := map[string]string{}
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		switch name {
		case "AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "TF_CLI_CONFIG_FILE", "TF_WORKSPACE":
		default:
			env[name] = value
		}
	}
	maps.Copy(env, more)
	out := make([]string, 0, len(env))
	for name, value := range env {
		out = append(out, name+"="+value)
	}
	return out
}
