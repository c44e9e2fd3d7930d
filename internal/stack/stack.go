// Package stack runs the whole system on this machine: the embedded AWS endpoint and the paper broker as processes,
// and the project's Terraform against them. The demo, `up`, the end-to-end tests and the benchmarks share it.
//
// It knows the stack from outside, as an operator does: it starts programs and talks to no internals.
package stack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Config says what to run and where.
type Config struct {
	// Root is the checkout: it holds terraform/, build/ and strategies/.
	Root string
	// Executable is the alchemiser binary; its `local up` and `paper up` are started.
	Executable string
	Stage      string
	// Architecture is the functions' processor as Lambda names it: arm64 or x86_64.
	Architecture string
	// Bars is a folder of SYMBOL.csv; empty means a simulated market.
	Bars string
	// Positions are held by the paper broker from the start: "SPY=10,GE=100".
	Positions string
	// IAM is the endpoint's --iam; empty means enforce.
	IAM string
	// Variables are further variables of Terraform, which every later plan against the stack gets as well.
	Variables map[string]string
	// EndpointArgs are further arguments for `local up`, such as --retry-scale.
	EndpointArgs []string
	// Detach leaves the processes running when this one ends.
	Detach bool
}

// Folder returns the run folder: what the running stack consists of, its Terraform state and its logs.
func (c Config) Folder() string { return filepath.Join(c.Root, ".alchemiser", c.Stage) }

func (c Config) validate() error {
	var errs []error
	if c.Stage == "" {
		errs = append(errs, errors.New("stage is required"))
	}
	if c.Architecture != "arm64" && c.Architecture != "x86_64" {
		errs = append(errs, fmt.Errorf("architecture is %q, want arm64 or x86_64", c.Architecture))
	}
	if _, err := os.Stat(filepath.Join(c.Root, "terraform", "main.tf")); err != nil {
		errs = append(errs, fmt.Errorf("%s is not the project's folder: run from the checkout: %w", c.Root, err))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("stack: %w", err)
	}
	return nil
}

// Stack is a running endpoint and broker. Its methods are not safe for concurrent use.
type Stack struct {
	cfg       Config
	endpoint  *process
	broker    *process
	Terraform *Terraform
	Record    Record
}

// Start starts the endpoint and the broker on free ports and returns when both accept requests. It fails, leaving no
// process behind, if a stack of this stage is already running, if the bars are not readable, or if ctx ends.
func Start(ctx context.Context, cfg Config) (_ *Stack, err error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if running, err := Find(cfg); err == nil {
		return nil, fmt.Errorf("stack %s is already running at %s: stop it with `make down STAGE=%s`", cfg.Stage, running.Record.URL, cfg.Stage)
	}
	// The endpoint keeps its state in memory: what Terraform remembers of an earlier one is void.
	if err := os.RemoveAll(cfg.Folder()); err != nil {
		return nil, fmt.Errorf("clear run folder: %w", err)
	}
	logs := filepath.Join(cfg.Folder(), "logs")
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return nil, fmt.Errorf("make run folder: %w", err)
	}

	s := &Stack{cfg: cfg}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
		}
	}()
	paper := []string{"paper", "up", "--port", "0"}
	if cfg.Bars != "" {
		paper = append(paper, "--bars", cfg.Bars)
	}
	if cfg.Positions != "" {
		paper = append(paper, "--positions", cfg.Positions)
	}
	if s.broker, err = startProcess(ctx, cfg, filepath.Join(logs, "paper.log"), paper...); err != nil {
		return nil, fmt.Errorf("start paper broker: %w", err)
	}
	local := append([]string{"local", "up", "--port", "0", "--iam", cmp.Or(cfg.IAM, "enforce")}, cfg.EndpointArgs...)
	if s.endpoint, err = startProcess(ctx, cfg, filepath.Join(logs, "endpoint.log"), local...); err != nil {
		return nil, fmt.Errorf("start endpoint: %w", err)
	}
	s.Record = Record{
		URL: s.endpoint.url, PID: s.endpoint.pid(), BrokerURL: s.broker.url, BrokerPID: s.broker.pid(), Stage: cfg.Stage,
	}
	if s.Terraform, err = newTerraform(cfg, s.Record); err != nil {
		return nil, err
	}
	s.Record.Env = s.Terraform.env
	return s, s.Record.write(cfg.Folder())
}

// Find returns the running stack of cfg's stage, or an error that says how to start one.
func Find(cfg Config) (*Stack, error) {
	r, err := ReadRecord(cfg.Folder())
	if err != nil {
		return nil, err
	}
	if !alive(r.PID) || !alive(r.BrokerPID) {
		return nil, fmt.Errorf("stack %s has stopped: start it with `make up STAGE=%s`", cfg.Stage, cfg.Stage)
	}
	return &Stack{cfg: cfg, Record: r, Terraform: &Terraform{
		stage: cfg.Stage, dir: filepath.Join(cfg.Root, "terraform"), state: filepath.Join(cfg.Folder(), "terraform.tfstate"), env: r.Env,
	}}, nil
}

// Env returns the environment that makes clients talk to the stack.
func (s *Stack) Env() map[string]string { return s.Record.Env }

// LogTail returns the last lines that the endpoint and the broker wrote, for error messages.
func (s *Stack) LogTail() string {
	var b strings.Builder
	for _, name := range []string{"endpoint.log", "paper.log"} {
		raw, err := os.ReadFile(filepath.Join(s.cfg.Folder(), "logs", name))
		if err != nil || len(raw) == 0 {
			continue
		}
		fmt.Fprintf(&b, "--- %s\n%s", name, tail(raw, 20))
	}
	return b.String()
}

// Stop ends the endpoint, with the functions that it runs, and the broker. What Terraform deployed goes with them.
func (s *Stack) Stop() error {
	var errs []error
	for _, p := range []*process{s.endpoint, s.broker} {
		if p != nil {
			errs = append(errs, p.stop())
		}
	}
	if s.endpoint == nil { // found, not started here
		errs = append(errs, terminate(s.Record.PID), terminate(s.Record.BrokerPID))
	}
	if err := os.Remove(filepath.Join(s.cfg.Folder(), recordName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func tail(raw []byte, lines int) string {
	all := strings.SplitAfter(string(raw), "\n")
	return strings.Join(all[max(0, len(all)-lines-1):], "")
}
