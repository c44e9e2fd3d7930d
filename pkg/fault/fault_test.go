package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/the-alchemiser/alchemiser/pkg/fault"
)

func TestCodeOf(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	for name, tt := range map[string]struct {
		err  error
		want fault.Code
	}{
		"no error":                              {nil, ""},
		"an error without a code":               {cause, fault.Internal},
		"a new error":                           {fault.New(fault.Invalid, "bad"), fault.Invalid},
		"an error that was given a code":        {fault.As(fault.Ambiguous, cause), fault.Ambiguous},
		"a wrapped one":                         {fmt.Errorf("doing: %w", fault.New(fault.Transient, "busy")), fault.Transient},
		"a cancelled context":                   {fmt.Errorf("doing: %w", context.Canceled), fault.Transient},
		"an expired context":                    {context.DeadlineExceeded, fault.Transient},
		"an expired context that may have sent": {fault.As(fault.Ambiguous, context.DeadlineExceeded), fault.Ambiguous},
		"a code within a code: the outer one":   {fault.As(fault.Invalid, fault.New(fault.Transient, "busy")), fault.Invalid},
		"joined: the first that has one":        {errors.Join(cause, fault.New(fault.Invalid, "bad")), fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := fault.CodeOf(tt.err); got != tt.want {
				t.Errorf("CodeOf(%v) = %q, want %q", tt.err, got, tt.want)
			}
		})
	}
}

func TestErrorsKeepTheirCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	if err := fault.As(fault.Transient, cause); !errors.Is(err, cause) || err.Error() != "cause" {
		t.Errorf("As = %v, want the cause and its text", err)
	}
	if err := fault.New(fault.Transient, "call %d: %w", 2, cause); !errors.Is(err, cause) || err.Error() != "call 2: cause" {
		t.Errorf("New = %v, want the cause in the chain", err)
	}
	if err := fault.As(fault.Transient, nil); err != nil {
		t.Errorf("As(nil) = %v, want nil", err)
	}
}

func ExampleCodeOf() {
	err := fmt.Errorf("submit order: %w", fault.New(fault.Ambiguous, "no answer in 10s"))
	switch fault.CodeOf(err) {
	case fault.Ambiguous:
		fmt.Println("ask the broker:", err)
	case fault.Invalid, fault.Transient, fault.Internal:
		fmt.Println("another matter")
	}
	// Output: ask the broker: submit order: no answer in 10s
}
