package dynamodb_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/the-alchemiser/alchemiser/internal/localaws/clock"
	"github.com/the-alchemiser/alchemiser/internal/localaws/dynamodb"
	"github.com/the-alchemiser/alchemiser/internal/localaws/state"
)

// on serves what a disk holds.
func on(t *testing.T, disk vfs.FS) http.Handler {
	t.Helper()
	store, err := state.OpenOn(disk, "data")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := dynamodb.New(dynamodb.Config{Store: store, Clock: clock.New()})
	if err != nil {
		t.Fatal(err)
	}
	return over(s)
}

// Whenever the power fails, what was acknowledged is there, of a transaction all or nothing, and the indexes agree with the
// table.
func TestAPowerLossTakesNothingThatWasAcknowledged(t *testing.T) {
	t.Parallel()
	disk := vfs.NewCrashableMem()
	handler := on(t, disk)
	answered(t, handler, createIndexed)
	const writers, writes = 4, 25
	put := func(writer, n int, sk string) string {
		return fmt.Sprintf(`{"Put":{"TableName":"jobs","Item":{"pk":{"S":"%d"},"sk":{"S":"%s%d"},"owner":{"S":"x"},"at":{"N":"%d"}}}}`, writer, sk, n, n)
	}
	var mu sync.Mutex
	acknowledged := 0
	type loss struct {
		disk         vfs.FS
		acknowledged int
	}
	var losses []loss
	var running sync.WaitGroup
	for w := range writers {
		running.Go(func() {
			for n := range writes {
				status, answer := request(t, handler, `TransactWriteItems {"TransactItems":[`+put(w, n, "a")+`,`+put(w, n, "b")+`]}`)
				if status != http.StatusOK {
					t.Errorf("transaction: %v", answer)
				}
				mu.Lock()
				acknowledged += 2
				if n%10 == w {
					losses = append(losses, loss{disk.CrashClone(vfs.CrashCloneCfg{}), acknowledged})
				}
				mu.Unlock()
			}
		})
	}
	running.Wait()
	for _, l := range losses {
		after := on(t, l.disk)
		count := func(index string) int {
			n, _ := answered(t, after, `Scan {"TableName":"jobs","Select":"COUNT"`+index+`}`)["Count"].(float64)
			return int(n)
		}
		all, owned, aged := count(""), count(`,"IndexName":"by-owner"`), count(`,"IndexName":"by-age"`)
		if all < l.acknowledged || all%2 != 0 || owned != all || aged != all {
			t.Errorf("%d writes were acknowledged; the table has %d items, its indexes %d and %d", l.acknowledged, all, owned, aged)
		}
	}
}
