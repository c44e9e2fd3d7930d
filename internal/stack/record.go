package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const recordName = "endpoint.json"

// Record is endpoint.json in the run folder: what is running, and how to reach it.
type Record struct {
	Stage     string `json:"stage"`
	URL       string `json:"url"`
	PID       int    `json:"pid"`
	BrokerURL string `json:"broker_url"`
	BrokerPID int    `json:"broker_pid"`
	// Env makes the AWS CLI, SDKs and Terraform talk to the stack.
	Env map[string]string `json:"env"`
}

// ReadRecord returns the record in folder, or an error that says how to start a stack.
func ReadRecord(folder string) (Record, error) {
	var r Record
	raw, err := os.ReadFile(filepath.Join(folder, recordName))
	if errors.Is(err, os.ErrNotExist) {
		return r, fmt.Errorf("no local stack is running in %s: start one with `make up`", folder)
	}
	if err != nil {
		return r, fmt.Errorf("read stack record: %w", err)
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("read stack record %s: %w; remove it and start again", filepath.Join(folder, recordName), err)
	}
	return r, nil
}

func (r Record) write(folder string) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write stack record: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, recordName), append(raw, '\n'), 0o600); err != nil {
		return fmt.Errorf("write stack record: %w", err)
	}
	return nil
}
