// Package localaws is an AWS endpoint in one process: it serves the APIs that the system, its Terraform and its
// operators use, on one port of 127.0.0.1, and runs Lambda functions as real processes.
//
// It imports nothing of the rest of the project: it must fail as AWS does, not as we would like it to. Deliveries
// between services are always checked against policies; what callers may do, and their signatures, if Config.IAM says so.
package localaws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sync/errgroup"

	"github.com/the-alchemiser/alchemiser/internal/localaws/authz"
	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/faults"
	"github.com/the-alchemiser/alchemiser/internal/localaws/iam"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

// OperatorKey is the access key that is the account's root; its secret is the same. Other keys are those of roles.
const OperatorKey = "test"

// shutdownGrace is how long requests in flight may take when the endpoint ends.
const shutdownGrace = 3 * time.Second

// Config is how the endpoint runs.
type Config struct {
	// Port is that on 127.0.0.1; 0 is a free one.
	Port int
	// DataDir keeps the state across restarts; "" keeps it in memory.
	DataDir string
	// Disk is the file system of DataDir; nil is the machine's.
	Disk vfs.FS
	// RetryScale multiplies the delays between delivery attempts of all services; 0 means 1, as on AWS.
	RetryScale float64
	// IAM says what happens to calls that no policy allows; "" is authz.Off.
	IAM authz.Mode
	// Faults are injected from the start; the control API replaces them.
	Faults faults.Plan
	// Log gets what went wrong inside of the endpoint; nil discards it.
	Log io.Writer
}

// packages is the folder for the code of functions; empty if it need not survive a restart.
func (c Config) packages() string {
	if c.DataDir == "" || c.Disk != nil {
		return ""
	}
	return filepath.Join(c.DataDir, "packages")
}

// Server is the endpoint. Serve it once.
type Server struct {
	listener net.Listener
	store    *state.Store
	clock    *clock.Clock
	services services
	aws      http.Handler
	logger   *log.Logger
	faults   faults.Injector
	// requests counts those that came.
	requests atomic.Int64
}

// New opens the state, takes the port and sets the services up. Requests are accepted from then on and answered once
// Serve runs. The error of a port that is taken satisfies errors.Is(err, syscall.EADDRINUSE).
func New(cfg Config) (_ *Server, err error) {
	if cfg.Log == nil {
		cfg.Log = io.Discard
	}
	if cfg.RetryScale == 0 {
		cfg.RetryScale = 1
	}
	if cfg.RetryScale < 0 {
		return nil, fmt.Errorf("retry scale %g: want more than 0", cfg.RetryScale)
	}
	s := &Server{clock: clock.New(), logger: log.New(cfg.Log, "localaws: ", log.LstdFlags|log.Lmicroseconds|log.LUTC)}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.listener, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp", fmt.Sprintf("127.0.0.1:%d", cfg.Port)); err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if cfg.Disk == nil {
		s.store, err = state.Open(cfg.DataDir)
	} else {
		s.store, err = state.OpenOn(cfg.Disk, cfg.DataDir)
	}
	if err != nil {
		return nil, err
	}
	if s.services, err = newServices(s, cfg); err != nil {
		return nil, err
	}
	handler := wire.NewHandler(s.services.apis(), s.resolve, s.logger)
	handler.Around = s.inject
	if s.services.access.Mode != authz.Off {
		handler.Authorize = s.services.access.Call
	}
	if s.services.access.Mode == authz.Enforce {
		handler.Secrets = s.secret
	}
	s.aws = handler
	s.faults.Set(cfg.Faults)
	return s, nil
}

func (s *Server) close() error {
	var errs []error
	if s.listener != nil {
		if err := s.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	return errors.Join(errs...)
}

// URL returns the address that clients use, such as "http://127.0.0.1:4566".
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Serve answers requests and delivers events until ctx ends or a service fails. When it returns no process of a function
// is left, the state is on disk and the port is free.
func (s *Server) Serve(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, s.close()) }()
	group, ctx := errgroup.WithContext(ctx)
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          s.logger,
		// Long polls and waiting invocations end with the endpoint.
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	group.Go(func() error {
		if err := server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
		defer cancel()
		if err := server.Shutdown(grace); err != nil {
			return server.Close()
		}
		return nil
	})
	group.Go(func() error { return s.giveBack(ctx) })
	for name, run := range s.services.loops() {
		group.Go(func() error {
			if err := run(ctx); err != nil && !errors.Is(err, context.Canceled) {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// ServeHTTP implements http.Handler: the control API below its prefix, everything else is AWS's.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	if name, ok := strings.CutPrefix(r.URL.Path, "/_alchemiser/"); ok {
		s.control(w, r, name)
		return
	}
	if r.Method == http.MethodGet && r.URL.Query().Get("Action") == "ConfirmSubscription" {
		s.services.sns.ServeConfirmation(w, r)
		return
	}
	s.aws.ServeHTTP(w, r)
}

// resolve says who has an access key: the operator, or a session of a role.
func (s *Server) resolve(_ context.Context, accessKeyID string) (wire.Caller, bool) {
	if accessKeyID == OperatorKey {
		return wire.Caller{AccessKeyID: accessKeyID, ARN: iam.RootARN()}, true
	}
	session, ok := s.services.iam.Session(accessKeyID)
	return wire.Caller{AccessKeyID: accessKeyID, ARN: session.ARN}, ok
}

// secret returns what an access key signs with.
func (s *Server) secret(accessKeyID string) wire.Secret {
	if accessKeyID == OperatorKey {
		return wire.Secret{Key: OperatorKey}
	}
	session, _ := s.services.iam.Session(accessKeyID)
	return wire.Secret{Key: session.SecretAccessKey, Token: session.SessionToken}
}
