package consumertest_test

import (
	"testing"

	"github.com/the-alchemiser/alchemiser/internal/consumer/consumertest"
)

func TestMemory(t *testing.T) { consumertest.TestClaims(t, &consumertest.Memory{}) }
