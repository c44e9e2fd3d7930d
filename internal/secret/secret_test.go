package secret_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/the-alchemiser/alchemiser/internal/secret"
	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

// parameters answers like SSM and counts.
type parameters struct {
	values map[string]string
	err    error
	reads  int
}

func (p *parameters) GetParameter(_ context.Context, in *ssm.GetParameterInput, _ ...func(*ssm.Options)) (*ssm.GetParameterOutput, error) {
	p.reads++
	if p.err != nil {
		return nil, p.err
	}
	value, ok := p.values[aws.ToString(in.Name)]
	if !ok {
		return nil, &types.ParameterNotFound{}
	}
	if !aws.ToBool(in.WithDecryption) {
		value = "encrypted"
	}
	return &ssm.GetParameterOutput{Parameter: &types.Parameter{Value: &value}}, nil
}

func TestKeysAreReadWhenNeededAndKeptForAWhile(t *testing.T) {
	p := &parameters{values: map[string]string{"/broker": `{"key_id":"id-1","secret_key":"secret-1"}`}}
	now := time.Date(2026, 3, 2, 20, 45, 0, 0, time.UTC)
	keys, err := secret.NewKeys(p, "/broker", func() time.Time { return now })
	if err != nil || p.reads != 0 {
		t.Fatalf("%v, read %d times before the first use", err, p.reads)
	}
	want := func(wantID string, wantReads int) {
		t.Helper()
		id, key, err := keys.Credentials(t.Context())
		if err != nil || id != wantID || key != strings.Replace(wantID, "id", "secret", 1) || p.reads != wantReads {
			t.Errorf("keys %s, %s, %v after %d reads, want %s after %d", id, key, err, p.reads, wantID, wantReads)
		}
	}
	want("id-1", 1)
	p.values["/broker"] = `{"key_id":"id-2","secret_key":"secret-2"}`
	now = now.Add(5*time.Minute - time.Second)
	want("id-1", 1)
	now = now.Add(time.Second)
	want("id-2", 2)
}

func TestKeysThatAreNotThere(t *testing.T) {
	tests := map[string]struct {
		parameters *parameters
		code       fault.Code
		says       string
	}{
		"no parameter": {&parameters{}, fault.Internal, "aws ssm put-parameter --name /broker"},
		"not JSON":     {&parameters{values: map[string]string{"/broker": "hunter2"}}, fault.Internal, `"key_id"`},
		"half of it":   {&parameters{values: map[string]string{"/broker": `{"key_id":"hunter2"}`}}, fault.Internal, `"secret_key"`},
		"no answer":    {&parameters{err: errors.New("connection reset")}, fault.Transient, "/broker"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			keys, err := secret.NewKeys(tt.parameters, "/broker", time.Now)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // a failure is not kept
				_, _, err = keys.Credentials(t.Context())
				if fault.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("%v is %s, want %s, saying %q and no secret", err, fault.CodeOf(err), tt.code, tt.says)
				}
			}
			if tt.parameters.reads != 2 {
				t.Errorf("read %d times, want 2", tt.parameters.reads)
			}
		})
	}
}

func TestSwitchIsReadEachTime(t *testing.T) {
	p := &parameters{values: map[string]string{}}
	trading, err := secret.NewSwitch(p, "dev")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		value string
		want  bool
		code  fault.Code
	}{{"true", true, ""}, {"false", false, ""}, {"TRUE", false, fault.Internal}, {"", false, fault.Internal}, {"true", true, ""}} {
		p.values["/alchemiser/dev/trading_enabled"] = tt.value
		if got, err := trading.TradingEnabled(t.Context()); got != tt.want || fault.CodeOf(err) != tt.code {
			t.Errorf("%q: %t, %v, want %t, %s", tt.value, got, err, tt.want, tt.code)
		}
	}
	delete(p.values, "/alchemiser/dev/trading_enabled")
	if got, err := trading.TradingEnabled(t.Context()); got || fault.CodeOf(err) != fault.Internal {
		t.Errorf("no parameter: %t, %v, want an internal error: silence is not consent", got, err)
	}
}

func ExampleSwitch() {
	trading, err := secret.NewSwitch(&parameters{values: map[string]string{"/alchemiser/dev/trading_enabled": "false"}}, "dev")
	if err != nil {
		panic(err)
	}
	fmt.Println(trading.TradingEnabled(context.Background()))
	// Output: false <nil>
}
