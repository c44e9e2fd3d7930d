// Command function is the Lambda function of the tests: the event says what it does.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do      string   `json:"do"`
	File    string   `json:"file"`
	Records []record `json:"Records"`
}

// record is a message of a queue. Its body says what becomes of it: "bad" fails, "bad at first" fails once, "wait for F" waits for
// the file F.
type record struct {
	ID         string            `json:"messageId"`
	Body       string            `json:"body"`
	Attributes map[string]string `json:"attributes"`
}

func (r record) bad() bool {
	return r.Body == "bad" || r.Body == "bad at first" && r.Attributes["ApproximateReceiveCount"] == "1"
}

// batch prints the bodies. REPORT says how it tells of bad ones: by their ids, or in a report that is none; else by an error.
func batch(records []record) (any, error) {
	var bodies, failed []string
	for _, r := range records {
		if file, ok := strings.CutPrefix(r.Body, "wait for "); ok {
			waitFor(file)
		}
		bodies = append(bodies, r.Body)
		if r.bad() {
			failed = append(failed, r.ID)
		}
	}
	fmt.Printf("batch %q\n", bodies)
	switch os.Getenv("REPORT") {
	case "ids":
		items := []map[string]string{}
		for _, id := range failed {
			items = append(items, map[string]string{"itemIdentifier": id})
		}
		return map[string]any{"batchItemFailures": items}, nil
	case "garbage":
		return map[string]any{"batchItemFailures": []map[string]string{{"foo": "notvalid"}}}, nil
	}
	if len(failed) > 0 {
		return nil, errors.New("bad messages")
	}
	return nil, nil
}

// calls counts the invocations of this process: it tells a warm start from a cold one.
var calls int

func handle(ctx context.Context, in event) (any, error) {
	calls++
	if len(in.Records) > 0 {
		return batch(in.Records)
	}
	lc, _ := lambdacontext.FromContext(ctx)
	switch in.Do {
	case "env":
		return os.Environ(), nil
	case "context":
		deadline, _ := ctx.Deadline()
		return map[string]any{
			"request": lc.AwsRequestID, "arn": lc.InvokedFunctionArn, "calls": calls, "pid": os.Getpid(),
			"left": time.Until(deadline) > 0, "trace": ctx.Value("x-amzn-trace-id"), "value": os.Getenv("VALUE"),
		}, nil
	case "print":
		fmt.Println("to stdout")
		fmt.Fprintln(os.Stderr, "to stderr")
		fmt.Print("without newline")
		return "printed", nil
	case "print a lot":
		for range 100 {
			fmt.Println(strings.Repeat("x", 99))
		}
		return "printed", nil
	case "error":
		return nil, errors.New("this went wrong")
	case "panic":
		panic("this is beyond repair")
	case "exit":
		os.Exit(3)
	case "hang":
		fmt.Println("hanging")
		time.Sleep(time.Hour)
	case "wait":
		waitFor(in.File)
		return "waited", nil
	case "allocate and hang":
		taken := allocate()
		time.Sleep(time.Hour)
		runtime.KeepAlive(taken)
	case "allocate and answer":
		allocate()
		return "allocated", nil
	case "allocate in a child":
		return nil, exec.Command(os.Args[0], "allocate").Run()
	case "large":
		return strings.Repeat("x", 7<<20), nil
	}
	return in.Do, nil
}

// waitFor waits until the test lets it go on.
func waitFor(file string) {
	for {
		if _, err := os.Stat(file); err == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// allocate takes a quarter of a gigabyte.
func allocate() []byte {
	taken := make([]byte, 256<<20)
	for i := 0; i < len(taken); i += 4096 {
		taken[i] = 1
	}
	return taken
}

func main() {
	if len(os.Args) > 1 {
		taken := allocate()
		time.Sleep(time.Hour)
		runtime.KeepAlive(taken)
	}
	switch os.Getenv("INIT") {
	case "exit":
		os.Exit(1)
	case "allocate":
		runtime.KeepAlive(allocate())
		time.Sleep(time.Hour)
	case "hang":
		time.Sleep(time.Hour) // blocking for ever would be a deadlock that Go ends
	}
	lambda.Start(handle)
}
