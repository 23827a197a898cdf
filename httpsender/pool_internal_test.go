package httpsender

import (
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Inside the package, because from outside the pool is seen only over real
// sockets, on which virtual time stands still.
func TestPoolSweeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(nil, 3)
		closed := make([]atomic.Bool, 4)
		put := func(i int) {
			ours, theirs := net.Pipe()
			go func() {
				_, _ = theirs.Read(make([]byte, 1))
				closed[i].Store(true)
			}()
			p.put(target{addr: "esp.example:443", secure: i%2 == 0}, newConn(ours, ours))
			synctest.Wait()
		}
		check := func(want ...bool) {
			t.Helper()
			synctest.Wait()
			for i := range want {
				if got := closed[i].Load(); got != want[i] {
					t.Errorf("connection %d is closed: %v, want %v", i, got, want[i])
				}
			}
		}
		put(0)
		time.Sleep(2 * time.Second)
		put(1)
		put(2)
		put(3) // one more than may be idle
		check(false, false, false, true)
		time.Sleep(2 * time.Second)
		check(true, false, false)
		time.Sleep(2 * time.Second)
		check(true, true, true)
		if p.count != 0 || len(p.idle) != 0 || p.timer != nil {
			t.Errorf("after all were closed: %d idle, %d targets, timer %v, want nothing", p.count, len(p.idle), p.timer)
		}

		closed[0].Store(false)
		closed[1].Store(false)
		put(0)
		put(1)
		p.closeIdle()
		check(true, true)
		if p.count != 0 || p.timer != nil {
			t.Errorf("after closeIdle: %d idle, timer %v, want nothing", p.count, p.timer)
		}
	})
}
