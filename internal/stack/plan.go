package stack

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
)

// Operate returns Terraform as an operator uses it on an AWS account: the checkout's root module as `terraform init` has left it,
// with this process's environment. Variables come from terraform/<stage>.tfvars, if that is there, and from TF_VAR_….
func Operate(root, stage string) (*Terraform, error) {
	if _, err := exec.LookPath("terraform"); err != nil {
		return nil, ErrNoTerraform
	}
	t := &Terraform{stage: stage, dir: filepath.Join(root, "terraform")}
	if file := filepath.Join(t.dir, stage+".tfvars"); exists(file) {
		t.varFile = file
	}
	return t, nil
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// Plan writes to file what an apply of target, and of nothing that does not lead to it, would change with a variable (NAME=VALUE)
// beside those of the stage. It returns the plan as JSON: https://developer.hashicorp.com/terraform/internals/json-format
func (t *Terraform) Plan(ctx context.Context, file, target, variable string) ([]byte, error) {
	args := append([]string{"plan", "-input=false", "-no-color", "-out=" + file, "-target=" + target}, t.variables()...)
	if _, err := t.run(ctx, nil, append(args, "-var", variable)...); err != nil {
		return nil, err
	}
	return t.run(ctx, nil, "show", "-json", "-no-color", file)
}

// ApplyPlan does what Plan wrote to file.
func (t *Terraform) ApplyPlan(ctx context.Context, file string, progress Progress) error {
	return t.report(ctx, progress, "apply", "-json", "-input=false", file)
}

// variables are the arguments by which the root module gets its variables. The last one wins: a file that was copied from another
// stage's does not deploy to that stage.
func (t *Terraform) variables() []string {
	var args []string
	if t.varFile != "" {
		args = append(args, "-var-file="+t.varFile)
	}
	return append(args, "-var", "stage="+t.stage)
}
