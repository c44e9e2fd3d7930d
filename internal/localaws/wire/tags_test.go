package wire_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/the-alchemiser/alchemiser/internal/localaws/wire"
)

func TestTagsAreConditions(t *testing.T) {
	got := wire.TagConditions([]tag{{"stage", "dev"}, {"app", "x"}}, []string{"old"})
	want := map[string][]string{
		"aws:RequestTag/stage": {"dev"}, "aws:RequestTag/app": {"x"}, "aws:TagKeys": {"app", "old", "stage"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := wire.TagConditions([]tag{}, nil); len(got) != 0 {
		t.Errorf("no tags are %v", got)
	}
}
