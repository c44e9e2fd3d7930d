package lambda_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"log"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	sqssdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/delivery"
	"github.com/the-alchemiser/alchemiser/internal/localaws/faults"
	"github.com/the-alchemiser/alchemiser/internal/localaws/lambda"
	"github.com/the-alchemiser/alchemiser/internal/localaws/metrics"
	"github.com/the-alchemiser/alchemiser/internal/localaws/sqs"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
	"github.com/the-alchemiser/alchemiser/internal/localaws/xray"
)

const (
	role    = "arn:aws:iam::000000000000:role/functions"
	queue   = "arn:aws:sqs:us-east-1:000000000000:dead-letters"
	funcARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
)

// pkg is the test function, traced the one with the X-Ray SDK, recorded that of the recorded cases; binary is the first for this
// machine, foreign one for the other processor.
var pkg, traced, recordedPkg, binary, foreign []byte

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "lambda-test")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	pkg, traced, recordedPkg = build(dir, "function"), build(dir, "traced"), build(dir, "recorded")
	content, err := os.ReadFile(filepath.Join(dir, "function"))
	if err != nil {
		panic(err)
	}
	binary = zipped("bootstrap", content)
	other := map[string]string{"amd64": "arm64", "arm64": "amd64"}[runtime.GOARCH]
	foreign = zipped("bootstrap", []byte(elfHead(other)))
	return m.Run()
}

// build compiles a function and returns a package that starts it where it lies: the binary itself is megabytes, and most tests
// send it.
func build(dir, name string) []byte {
	path := filepath.Join(dir, name)
	cmd := exec.Command("go", "build", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", path, "./testdata/"+name)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		panic(err)
	}
	return zipped("bootstrap", []byte("#!/bin/sh\nexec "+path+"\n"))
}

// elfHead is the beginning of a Linux binary: what says which processor it is for.
func elfHead(arch string) string {
	machine := map[string]string{"amd64": "\x3e\x00", "arm64": "\xb7\x00"}[arch]
	return "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9) + "\x02\x00" + machine
}

func zipped(name string, content []byte) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: name, Method: zip.Deflate}
	header.SetMode(0o755)
	w, err := z.CreateHeader(header)
	if err == nil {
		_, err = w.Write(content)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func architecture() types.Architecture {
	if runtime.GOARCH == "arm64" {
		return types.ArchitectureArm64
	}
	return types.ArchitectureX8664
}

// roles knows one role.
type roles struct{}

func (roles) SessionFor(roleARN, name string) (lambda.Session, error) {
	if roleARN != role {
		return lambda.Session{}, errors.New("no such role")
	}
	return lambda.Session{AccessKeyID: "ASIA" + name, SecretAccessKey: "secret", SessionToken: "token"}, nil
}

// logbook keeps what is logged.
type logbook struct {
	mu    sync.Mutex
	lines []string
}

func (l *logbook) Write(_ context.Context, _, group, _ string, lines []lambda.Line) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range lines {
		l.lines = append(l.lines, group+": "+line.Message)
	}
	return nil
}

func (l *logbook) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

// sent is what went out to other services.
type sent struct {
	arn string
	delivery.Message
}

// post collects what is sent; refuse, if set, answers instead, and forward, if set, gets it.
type post struct {
	out     chan sent
	refuse  func(n int) error
	forward delivery.Receiver
	n       int
}

func (p *post) Send(ctx context.Context, arn string, m delivery.Message) error {
	if p.forward != nil {
		return p.forward.Receive(ctx, arn, m)
	}
	p.n++
	if p.refuse != nil {
		if err := p.refuse(p.n); err != nil {
			return err
		}
	}
	p.out <- sent{arn, m}
	return nil
}

// gauge keeps what is measured.
type gauge struct {
	metrics.Discard
	mu     sync.Mutex
	values map[string][]float64
}

func (g *gauge) Count(namespace, name string, dimensions map[string]string, value float64, unit string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.values == nil {
		g.values = map[string][]float64{}
	}
	key := namespace + " " + name + " " + dimensions["FunctionName"] + " in " + unit
	g.values[key] = append(g.values[key], value)
}

func (g *gauge) of(key string) []float64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.values[key])
}

// harness is a running service with its surroundings.
type harness struct {
	*lambda.Service
	*sdk.Client
	logs  *logbook
	post  *post
	clock *clock.Clock
	xray  *xray.Service
	sqs   *sqs.Service
	// queues is a client of SQS at the same server.
	queues *sqssdk.Client
	// forbidden is the action that no role may do.
	forbidden atomic.Pointer[string]
	// handler serves all of them, at url.
	url     string
	handler http.Handler
	gauge   gauge
	// share is where in the shares of an alias the next invocation falls.
	share atomic.Uint64
	// faults strike invocations.
	faults faults.Injector
	stop   func()
}

// start runs a service over the store in dir ("" for memory).
func start(t *testing.T, dir string) *harness {
	t.Helper()
	return startLimited(t, dir, 0)
}

// startLimited is start with a limit on the asynchronous invocations that are kept.
func startLimited(t *testing.T, dir string, limit int) *harness {
	t.Helper()
	store, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	packages := ""
	if dir != "" {
		packages = filepath.Join(dir, "packages")
	}
	h := &harness{logs: &logbook{}, post: &post{out: make(chan sent, 100)}, clock: clock.New()}
	if h.sqs, err = sqs.New(sqs.Config{Store: store, Clock: h.clock, URL: func() string { return "http://127.0.0.1:4566" }}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	h.url = "http://" + server.Listener.Addr().String()
	if h.xray, err = xray.New(xray.Config{Store: store, Clock: h.clock}); err != nil {
		t.Fatal(err)
	}
	h.Service, err = lambda.New(lambda.Config{
		Store: store, Clock: h.clock, Sender: h.post, Credentials: roles{}, Logs: h.logs, Tracer: h.xray, Queues: h.sqs, May: h.may,
		EndpointURL: func() string { return h.url }, RetryScale: 1e-6, Faults: &h.faults, Packages: packages, MaxQueued: limit,
		Metrics: &h.gauge, Random: func() float64 { return math.Float64frombits(h.share.Load()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done, xrayDone := make(chan error, 1), make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	go func() { xrayDone <- h.xray.Run(ctx) }()
	known := func(context.Context, string) (wire.Caller, bool) { return wire.Caller{}, true }
	h.handler = wire.NewHandler([]wire.Service{h.API(), h.xray.API(), h.sqs.API()}, known, log.New(os.Stderr, "", 0))
	server.Config.Handler = h.handler
	server.Start()
	h.Client = sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	h.queues = sqssdk.New(sqssdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-done, <-xrayDone); err != nil {
			t.Errorf("Run: %v", err)
		}
		server.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(h.stop)
	return h
}

// may is what the roles of functions are asked for.
func (h *harness) may(_ string, need wire.Access) bool {
	forbidden := h.forbidden.Load()
	return forbidden == nil || *forbidden != need.Action
}

// create makes the function f.
func (h *harness) create(t *testing.T, edit ...func(*sdk.CreateFunctionInput)) {
	t.Helper()
	in := &sdk.CreateFunctionInput{
		FunctionName: aws.String("f"), Role: aws.String(role), Runtime: types.RuntimeProvidedal2023,
		Handler: aws.String("bootstrap"), Code: &types.FunctionCode{ZipFile: pkg}, Timeout: aws.Int32(60),
		Architectures: []types.Architecture{architecture()},
	}
	for _, f := range edit {
		f(in)
	}
	if _, err := h.CreateFunction(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// live publishes $LATEST and lets the alias live stand for it.
func (h *harness) live(t *testing.T) {
	t.Helper()
	v, err := h.PublishVersion(t.Context(), &sdk.PublishVersionInput{FunctionName: aws.String("f")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.CreateAlias(t.Context(), &sdk.CreateAliasInput{
		FunctionName: aws.String("f"), Name: aws.String("live"), FunctionVersion: v.Version,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// do invokes f and waits for its answer.
func (h *harness) do(t *testing.T, payload string) *sdk.InvokeOutput {
	t.Helper()
	out, err := h.Invoke(t.Context(), &sdk.InvokeInput{
		FunctionName: aws.String("f"), Payload: []byte(payload), LogType: types.LogTypeTail,
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// queue invokes f asynchronously.
func (h *harness) queue(t *testing.T, qualifier, payload string) {
	t.Helper()
	in := &sdk.InvokeInput{
		FunctionName: aws.String("f"), Payload: []byte(payload), InvocationType: types.InvocationTypeEvent,
	}
	if qualifier != "" {
		in.Qualifier = &qualifier
	}
	out, err := h.Invoke(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if out.StatusCode != 202 || len(out.Payload) != 0 {
		t.Errorf("answer %d %q, want 202 without payload", out.StatusCode, out.Payload)
	}
}

// next waits for what is sent to another service.
func (h *harness) next(t *testing.T) sent {
	t.Helper()
	select {
	case s := <-h.post.out:
		return s
	case <-time.After(time.Minute):
		t.Fatalf("nothing is sent; the log: %q", h.logs.all())
		return sent{}
	}
}

// refused checks the code and a part of the message of an error.
func refused(t *testing.T, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), message) {
		t.Errorf("error %v, want %s with %q", err, code, message)
	}
}

// eventually looks again and again until done says so, for what other services and processes do in their own time.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(time.Minute); !done(); <-look.C {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}
