package lambda_test

import (
	"encoding/base64"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// Two versions, the alias live on the first, with a quarter of the invocations for the second.
func (h *harness) weighted(t *testing.T) {
	t.Helper()
	h.create(t)
	h.live(t)
	_, err := h.UpdateFunctionConfiguration(t.Context(), &sdk.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), Description: aws.String("second")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.PublishVersion(t.Context(), &sdk.PublishVersionInput{FunctionName: aws.String("f")}); err != nil {
		t.Fatal(err)
	}
	_, err = h.UpdateAlias(t.Context(), &sdk.UpdateAliasInput{
		FunctionName: aws.String("f"), Name: aws.String("live"),
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"2": 0.25}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAliasSharesInvocationsOutByWeight(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.weighted(t)
	h.configure(t, "live", nil, nil)
	for at, want := range map[float64]string{0: "2", 0.2499: "2", 0.25: "1", 0.9999: "1"} {
		h.share.Store(math.Float64bits(at))
		out, err := h.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("f"), Qualifier: aws.String("live")})
		if err != nil || aws.ToString(out.ExecutedVersion) != want {
			t.Errorf("at %v: version %s, %v, want %s", at, aws.ToString(out.ExecutedVersion), err, want)
		}
		h.queue(t, "live", `{"do":"fine"}`)
		if r := decode(t, h.next(t).Body); r.ResponseContext.ExecutedVersion != want {
			t.Errorf("at %v, asynchronously: version %s, want %s", at, r.ResponseContext.ExecutedVersion, want)
		}
	}
	h.share.Store(0)
	got, err := h.GetFunction(t.Context(), &sdk.GetFunctionInput{FunctionName: aws.String("f"), Qualifier: aws.String("live")})
	if err != nil || aws.ToString(got.Configuration.Version) != "1" {
		t.Errorf("the alias shows version %s, %v, want its main one", aws.ToString(got.Configuration.Version), err)
	}
}

func TestEnvironmentTakesOneInvocationAtATime(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	gate := filepath.Join(t.TempDir(), "go")
	var running sync.WaitGroup
	for range 2 {
		running.Go(func() { h.do(t, `{"do":"wait","file":"`+gate+`"}`) })
	}
	eventually(t, "both run", func() bool { return len(h.started()) == 2 })
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	running.Wait()
	if n := strings.Count(strings.Join(h.logs.all(), "\n"), "INIT_START"); n != 2 {
		t.Errorf("%d environments, want 2 for two invocations at once", n)
	}
	if got := h.gauge.of("AWS/Lambda ConcurrentExecutions f in Count"); slices.Max(got) != 2 {
		t.Errorf("concurrent executions of the function %v, want up to 2", got)
	}
	if got := h.gauge.of("AWS/Lambda ConcurrentExecutions  in Count"); slices.Max(got) != 2 {
		t.Errorf("concurrent executions %v, want up to 2", got)
	}
}

func TestIdleEnvironmentIsRecycled(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	before := h.look(t)
	h.clock.Set(h.clock.Now().Add(time.Hour))
	eventually(t, "the idle process ends", func() bool { return errors.Is(syscall.Kill(before.PID, 0), syscall.ESRCH) })
	if after := h.look(t); after.PID == before.PID || after.Calls != 1 {
		t.Errorf("process %d, call %d, after process %d had been idle", after.PID, after.Calls, before.PID)
	}
}

func TestTailIsTheEndOfTheLog(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	tail, err := base64.StdEncoding.DecodeString(*h.do(t, `{"do":"print a lot"}`).LogResult)
	if err != nil || len(tail) != 4096 || !strings.Contains(string(tail), "\nREPORT RequestId: ") || strings.Contains(string(tail), "START ") {
		t.Errorf("%d bytes, %v: %s", len(tail), err, tail)
	}
}

func TestAgeOfAsynchronousEventsIsMeasured(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	h.configure(t, "", nil, nil)
	h.queue(t, "", `{"do":"error"}`)
	h.next(t)
	got := h.gauge.of("AWS/Lambda AsyncEventAge f in Milliseconds")
	if len(got) != 3 || got[0] >= 60_000 || got[1] < 60_000 || got[2] < 180_000 {
		t.Errorf("ages %v, want those of three attempts, with the waits of AWS", got)
	}
}
