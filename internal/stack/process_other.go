//go:build !linux

package stack

import "syscall"

// attributes put a process into a group of its own, so that Ctrl-C reaches it through us, in our order.
func attributes(detach bool) *syscall.SysProcAttr {
	if detach {
		return &syscall.SysProcAttr{Setsid: true}
	}
	return &syscall.SysProcAttr{Setpgid: true}
}
