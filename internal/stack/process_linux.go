package stack

import "syscall"

// attributes put a process into a group of its own, so that Ctrl-C reaches it through us, in our order. Unless it is
// detached the kernel ends it should we die without a word.
func attributes(detach bool) *syscall.SysProcAttr {
	if detach {
		return &syscall.SysProcAttr{Setsid: true}
	}
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
