package sandbox

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// processAttributes puts the process into a group of its own and lets the kernel kill it when the endpoint dies.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// memory returns the resident memory of a process, with that of all it has started if asked for, in bytes; 0 if it has ended.
// https://man7.org/linux/man-pages/man5/proc_pid_statm.5.html
func memory(pid int, children bool) int64 {
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(statm), &size, &resident); err != nil {
		return 0
	}
	sum := resident * int64(os.Getpagesize())
	if !children {
		return sum
	}
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return sum
	}
	for _, task := range tasks {
		ids, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has just ended
		}
		for _, child := range strings.Fields(string(ids)) {
			if id, err := strconv.Atoi(child); err == nil {
				sum += memory(id, true)
			}
		}
	}
	return sum
}

// maxMemory returns the peak resident memory of a running process in bytes.
func maxMemory(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0 // it has just ended
	}
	lines := bufio.NewScanner(bytes.NewReader(status))
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			var kb int64
			if _, err := fmt.Sscan(value, &kb); err == nil {
				return kb << 10
			}
		}
	}
	return 0
}
