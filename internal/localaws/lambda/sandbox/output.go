package sandbox

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"os"
)

// maxLine is the longest line handed out in one piece, as a CloudWatch Logs event may be 256 KB.
const maxLine = 256 << 10

// output reads what a process prints, stdout and stderr in one pipe so that their order is kept.
//
// A pipe is first in, first out, so a marker that the endpoint itself writes into it after the process was frozen comes
// out behind everything that the process has printed: so drain knows when it has seen all.
type output struct {
	read, write *os.File
	marker      []byte
	drained     chan struct{}
	done        chan struct{}
	emit        func(line string)
}

func newOutput(emit func(string)) (*output, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	o := &output{
		read: r, write: w, emit: emit,
		marker:  []byte("\x00" + rand.Text() + "\n"),
		drained: make(chan struct{}), done: make(chan struct{}),
	}
	go o.loop()
	return o, nil
}

func (o *output) loop() {
	defer close(o.done)
	in := bufio.NewReaderSize(o.read, maxLine)
	for {
		line, err := in.ReadSlice('\n')
		rest, marked := bytes.CutSuffix(line, o.marker)
		if !marked {
			rest = bytes.TrimSuffix(line, []byte("\n"))
		}
		if len(rest) > 0 {
			o.emit(string(bytes.TrimSuffix(rest, []byte("\r"))))
		}
		if marked {
			o.drained <- struct{}{}
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return // closed
		}
	}
}

// drain returns when everything printed so far has been handed out.
func (o *output) drain() {
	if _, err := o.write.Write(o.marker); err == nil {
		<-o.drained
	}
}

// close hands out what is left and ends the reader.
func (o *output) close() {
	o.drain()
	_ = o.write.Close()
	_ = o.read.Close()
	<-o.done
}
