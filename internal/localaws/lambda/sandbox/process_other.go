//go:build unix && !linux

package sandbox

import "syscall"

// processAttributes puts the process into a group of its own. Other systems have no way to kill it with the endpoint.
func processAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// maxMemory is not known of running processes.
func maxMemory(int) int64 { return 0 }

// memory is not known either.
func memory(int, bool) int64 { return 0 }
