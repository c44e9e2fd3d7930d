package lambda

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
	"github.com/the-alchemiser/alchemiser/internal/localaws/faults"
	"github.com/the-alchemiser/alchemiser/internal/localaws/lambda/sandbox"
)

// initLimit is how long a function may initialise before its first invocation.
const initLimit = 10 * time.Second

// call is one invocation on its way to an environment.
type call struct {
	f   *function
	cfg configuration
	// qualifier is the one that was invoked: "" for none.
	qualifier string
	requestID string
	payload   []byte
	trace     trace
}

// result is what came of it.
type result struct {
	sandbox.Outcome
	trace
	version string
	tail    []byte
	// start and end are the host's times, which the process sees too.
	start, end time.Time
	// cold is true if the invocation had to wait for an initialisation, which took initialised.
	cold        bool
	initialised time.Duration
}

// failed says whether the function did not succeed.
func (r result) failed() bool { return r.Status != sandbox.Success }

// execute runs the function once, in a warm environment or a new one. An error means that it did not run: a
// *wire.Error says what a caller is told.
func (s *Service) execute(ctx context.Context, c call) (r result, err error) {
	defer func() { s.measureInvocation(c.f.Name, r, err) }()
	reservations, unreserved := s.reservations()
	own, all, err := s.pool.acquire(c.f.Name, c.f.Reserved, reservations, unreserved)
	if err != nil {
		return result{}, err
	}
	s.measureConcurrency(c.f.Name, own, all)
	defer s.pool.release(c.f.Name)

	r = result{version: c.cfg.Version, trace: c.trace.forFunction()}
	i := s.pool.take(revisionOf(c.cfg))
	if i == nil {
		r.cold = true
		i = &instance{revision: revisionOf(c.cfg), log: s.newTranscript(c.cfg)}
		i.log.initStart()
		var err error
		if r.initialised, err = s.initialise(ctx, i, initLimit, "init"); err != nil {
			return result{}, err
		}
	}
	i.log.begin(c.requestID)
	r.start = time.Now()
	if err := s.invoke(ctx, c, i, &r); err != nil {
		return result{}, err
	}
	r.end = time.Now()
	i.log.end(c.requestID, r)
	i.log.flush()
	r.tail = i.log.last()
	s.traceFunction(c, r)
	if r.Gone || !s.isCurrent(i.revision) {
		if i.Environment != nil {
			i.Close()
		}
		return r, nil
	}
	s.pool.put(i, s.cfg.Clock.Now())
	return r, nil
}

// invoke carries out the invocation. If the initialisation failed it is tried once more, now within the function's own
// time-out, as AWS does:
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib
func (s *Service) invoke(ctx context.Context, c call, i *instance, r *result) error {
	timeout := time.Duration(c.cfg.Timeout) * time.Second
	if i.Environment == nil {
		r.initialised = 0
		took, err := s.initialise(ctx, i, timeout, "invoke")
		if err != nil {
			return err
		}
		if i.Environment == nil {
			r.Outcome = i.log.initOutcome(c.requestID, i.failure, timeout)
			r.Duration, r.Answered = took, took
			return nil
		}
		timeout -= took
	}
	in := sandbox.Invocation{
		RequestID: c.requestID, FunctionARN: functionARN(c.f.Name, c.qualifier), TraceHeader: r.functionHeader,
		Payload: c.payload, Timeout: timeout,
	}
	if fault, ok := s.cfg.Faults.Invocation(c.f.Name); ok && fault.Kind == faults.Timeout {
		in.CutAfter = max(fault.Delay, 1)
	} else if ok {
		defer time.AfterFunc(fault.Delay, i.Kill).Stop()
	}
	s.pool.began(i)
	r.Outcome = i.Invoke(ctx, in)
	s.pool.ended(i)
	if r.Gone {
		return ctx.Err() // killed because the endpoint ends: that is nothing the function did
	}
	return nil
}

// initOutcome is the outcome of an invocation whose function does not start.
func (t *transcript) initOutcome(requestID string, failure *sandbox.InitError, timeout time.Duration) sandbox.Outcome {
	out := sandbox.Outcome{Status: sandbox.Failure, ErrorType: failure.Type, Payload: failure.Payload, Gone: true}
	message := failure.Message
	if failure.TimedOut {
		out.Status, message = sandbox.Timeout, sandbox.TimeoutMessage(timeout)
	} else {
		out.Exit = message
	}
	if out.Payload == nil {
		out.Payload = sandbox.ErrorDocument(failure.Type, fmt.Sprintf("RequestId: %s Error: %s", requestID, message))
	}
	return out
}

// initialise starts the process of i and waits until it is ready. A function that does not start leaves i without an
// environment and says why in i.failure; an error means that Lambda itself could not try.
func (s *Service) initialise(ctx context.Context, i *instance, limit time.Duration, phase string) (time.Duration, error) {
	dir, err := s.code.folder(i.log.cfg.CodeSHA256)
	if err != nil {
		return 0, err
	}
	env, err := s.environment(i.log, dir)
	if err != nil {
		return 0, err
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	start := time.Now()
	e, err := s.host.Start(sandbox.Spec{Dir: dir, Env: env, Memory: int64(i.log.cfg.MemorySize) << 20, Output: i.log.add})
	if err == nil {
		if err = e.Ready(limited); err == nil {
			i.Environment, i.failure = e, nil
			return time.Since(start), nil
		}
	}
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if !errors.As(err, &i.failure) {
		return 0, fail(http.StatusInternalServerError, "ServiceException", "start %s: %v", i.revision.name, err)
	}
	took := time.Since(start)
	i.log.initFailed(phase, took, i.failure)
	return took, nil
}

// environment returns the variables of a new process. Nothing of the endpoint's own environment is among them.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
func (s *Service) environment(t *transcript, dir string) ([]string, error) {
	session, err := s.cfg.Credentials.SessionFor(t.cfg.Role, t.cfg.FunctionName)
	if err != nil {
		return nil, fail(http.StatusForbidden, "AccessDeniedException",
			"The role defined for the function cannot be assumed by Lambda: %v", err)
	}
	daemon, err := s.cfg.Tracer.DaemonFor(t.cfg.Role)
	if err != nil {
		return nil, err
	}
	host, port, _ := strings.Cut(daemon, ":")
	vars := map[string]string{
		"AWS_ENDPOINT_URL": s.cfg.EndpointURL(),
		"PATH":             "/usr/local/bin:/usr/bin:/bin:/opt/bin",
		"LANG":             "en_US.UTF-8",
		"TZ":               ":UTC",
	}
	if t.cfg.Environment != nil {
		for key, value := range t.cfg.Environment.Variables {
			vars[key] = value
		}
	}
	for key, value := range map[string]string{
		"AWS_LAMBDA_FUNCTION_NAME":        t.cfg.FunctionName,
		"AWS_LAMBDA_FUNCTION_VERSION":     t.cfg.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(t.cfg.MemorySize),
		"AWS_LAMBDA_LOG_GROUP_NAME":       t.group,
		"AWS_LAMBDA_LOG_STREAM_NAME":      t.stream,
		"AWS_LAMBDA_LOG_FORMAT":           t.cfg.LoggingConfig.LogFormat,
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_REGION":                      arn.Region,
		"AWS_DEFAULT_REGION":              arn.Region,
		"AWS_ACCESS_KEY_ID":               session.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY":           session.SecretAccessKey,
		"AWS_SESSION_TOKEN":               session.SessionToken,
		"AWS_XRAY_DAEMON_ADDRESS":         daemon,
		"_AWS_XRAY_DAEMON_ADDRESS":        host,
		"_AWS_XRAY_DAEMON_PORT":           port,
		"AWS_XRAY_CONTEXT_MISSING":        "LOG_ERROR",
		"LAMBDA_TASK_ROOT":                dir,
		"_HANDLER":                        t.cfg.Handler,
	} {
		vars[key] = value
	}
	env := make([]string, 0, len(vars))
	for key, value := range vars {
		env = append(env, key+"="+value)
	}
	slices.Sort(env)
	return env, nil
}

// reservations returns what every function has reserved and what is left for the others.
func (s *Service) reservations() (byName map[string]int, unreserved int) {
	byName, unreserved = map[string]int{}, accountConcurrency
	s.mu.RLock()
	defer s.mu.RUnlock()
	for name, f := range s.functions {
		if f.Reserved != nil {
			byName[name] = *f.Reserved
			unreserved -= *f.Reserved
		}
	}
	return byName, unreserved
}

// isCurrent says whether a revision is still the one to run.
func (s *Service) isCurrent(r revision) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.current(r)
}

// current is isCurrent for those who hold s.mu.
func (s *Service) current(r revision) bool {
	f, ok := s.functions[r.name]
	if !ok {
		return false
	}
	cfg, ok := f.resolve(r.version)
	return ok && cfg.RevisionID == r.id
}
