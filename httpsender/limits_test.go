package httpsender_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hybridcampaign/campaign"
	"github.com/hybridcampaign/campaign/httpsender"
)

// A transportFunc is a function used as a transport.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answered(status int) (*http.Response, error) {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}, nil
}

// hang waits until the request's time is over.
func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestInFlight(t *testing.T) {
	tests := []struct {
		name      string
		s         *httpsender.Sender
		endpoints int
		want      int
	}{
		{"defaults, one endpoint", &httpsender.Sender{}, 1, 64},
		{"defaults, many endpoints", &httpsender.Sender{}, 20, 512},
		{"per endpoint", &httpsender.Sender{MaxInFlightPerEndpoint: 3}, 2, 6},
		{"in all", &httpsender.Sender{MaxInFlight: 5, MaxInFlightPerEndpoint: 3}, 4, 5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var now, most atomic.Int64
				tt.s.Transport = transportFunc(func(*http.Request) (*http.Response, error) {
					n := now.Add(1)
					defer now.Add(-1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					time.Sleep(10 * time.Millisecond)
					return answered(200)
				})
				var wg sync.WaitGroup
				for i := range 800 {
					wg.Go(func() {
						url := fmt.Sprintf("https://esp%d.example/%d", i%tt.endpoints, i)
						if _, err := tt.s.Send(t.Context(), post(url)); err != nil {
							t.Errorf("Send = %v, want nil", err)
						}
					})
				}
				wg.Wait()
				if got := int(most.Load()); got != tt.want {
					t.Errorf("%d requests were in flight at once, want %d", got, tt.want)
				}
			})
		})
	}
}

func TestOneDeadEndpointAmongTwenty(t *testing.T) {
	// run returns how long it takes 19 endpoints to answer 50 requests each.
	run := func(t *testing.T, dead bool) (took time.Duration) {
		s := &httpsender.Sender{MaxInFlight: 100, MaxInFlightPerEndpoint: 20, Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "esp0.example" {
				return hang(r)
			}
			time.Sleep(10 * time.Millisecond)
			return answered(200)
		})}
		ctx, cancel := context.WithCancel(t.Context())
		var wg, others sync.WaitGroup
		if dead {
			for range 500 {
				wg.Go(func() { _, _ = s.Send(ctx, post("https://esp0.example/")) })
			}
			synctest.Wait()
		}
		start := time.Now()
		for i := range 19 {
			for range 4 {
				others.Go(func() {
					for range 50 {
						if _, err := s.Send(ctx, post(fmt.Sprintf("https://esp%d.example/", i+1))); err != nil {
							t.Errorf("Send = %v, want nil", err)
						}
					}
				})
			}
		}
		others.Wait()
		took = time.Since(start)
		cancel()
		wg.Wait()
		return took
	}
	synctest.Test(t, func(t *testing.T) {
		alone, beside := run(t, false), run(t, true)
		if beside != alone {
			t.Errorf("nineteen endpoints took %v beside a dead one, want %v as without it", beside, alone)
		}
	})
}

func TestWaitingForASlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &httpsender.Sender{MaxInFlight: 1, Budget: 10 * time.Second, Attempts: 1, Transport: transportFunc(hang)}
		first := make(chan error)
		go func() {
			_, err := s.Send(t.Context(), post("https://a.example/"))
			first <- err
		}()
		synctest.Wait()

		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		_, err := s.Send(ctx, post("https://b.example/"))
		de, ok := errors.AsType[*campaign.DeliveryError](err)
		if !ok || de.Verdict != campaign.Unreachable || de.Attempts != 0 || !errors.Is(err, context.Canceled) || time.Since(start) != time.Second {
			t.Errorf("Send = %v after %v, want canceled without an attempt after 1s", err, time.Since(start))
		}
		if err := <-first; err == nil {
			t.Error("Send to an endpoint that hangs = nil, want an error")
		}
	})
}

// The budget ends a wait for a slot, too.
func TestBudgetWhileWaitingForASlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &httpsender.Sender{MaxInFlight: 1, Budget: 20 * time.Second, Timeout: time.Hour, Transport: transportFunc(func(*http.Request) (*http.Response, error) {
			time.Sleep(time.Minute) // a transport that does not heed its context
			return answered(200)
		})}
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = s.Send(t.Context(), post("https://a.example/")) })
		synctest.Wait()
		start := time.Now()
		_, de := send(t, s, post("https://b.example/"))
		if de == nil || de.Attempts != 0 || !errors.Is(de, context.DeadlineExceeded) || time.Since(start) != 20*time.Second {
			t.Errorf("Send = %v after %v, want out of time without an attempt after 20s", de, time.Since(start))
		}
		wg.Wait()
	})
}

// A patient is an endpoint that is ill or well as the test says.
type patient struct {
	status atomic.Int64
	hits   atomic.Int64
	took   time.Duration
}

func (p *patient) RoundTrip(*http.Request) (*http.Response, error) {
	p.hits.Add(1)
	time.Sleep(p.took)
	return answered(int(p.status.Load()))
}

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &patient{}
		p.status.Store(500)
		s := &httpsender.Sender{Transport: p, Attempts: 1}
		request := post("https://esp.example/")
		isPaused := func() bool {
			hits := p.hits.Load()
			_, de := send(t, s, request)
			paused := errors.Is(de, httpsender.ErrPaused)
			if paused && (de.Attempts != 0 || de.Verdict != campaign.Unreachable || p.hits.Load() != hits) {
				t.Fatalf("Send while paused = %+v after %d round trips, want unreachable, and nothing sent", de, p.hits.Load()-hits)
			}
			return paused
		}
		// Ten failures, and more, within a moment are a hiccup.
		for i := range 15 {
			if isPaused() {
				t.Fatalf("paused after %d failures in no time, want not before a second", i)
			}
		}
		time.Sleep(time.Second)
		if isPaused() {
			t.Fatal("paused before the failure that makes it a second")
		}
		// From now on pauses of 1, 2, 4, … 60, 60 seconds, each ended by one probe.
		for _, pause := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
			time.Sleep(pause*time.Second - time.Millisecond)
			if !isPaused() {
				t.Fatalf("not paused just before %ds were over", pause)
			}
			time.Sleep(time.Millisecond)
			if isPaused() {
				t.Fatalf("paused after %ds, want one request let through", pause)
			}
			if !isPaused() {
				t.Fatalf("not paused after the probe after %ds had failed", pause)
			}
		}
		// Other endpoints have nothing to do with it.
		if _, de := send(t, s, post("https://other.example/")); errors.Is(de, httpsender.ErrPaused) {
			t.Error("another endpoint is paused as well")
		}
		if _, de := send(t, s, post("https://esp.example:8443/")); errors.Is(de, httpsender.ErrPaused) {
			t.Error("another port is paused as well")
		}

		p.status.Store(200)
		time.Sleep(time.Minute)
		for range 3 {
			if _, de := send(t, s, request); de != nil {
				t.Fatalf("Send after recovery = %v, want delivery", de)
			}
		}
	})
}

// Who is told that nothing is sent need not wait for a slot to send it in.
func TestPausedWithoutASlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &patient{took: time.Second}
		p.status.Store(500)
		s := &httpsender.Sender{Transport: p, Attempts: 1, MaxInFlight: 1, PauseAfter: 1, Pause: time.Hour}
		_, _ = send(t, s, post("https://dead.example/"))
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = s.Send(t.Context(), post("https://slow.example/")) })
		synctest.Wait() // it has the only slot
		start := time.Now()
		_, de := send(t, s, post("https://dead.example/"))
		if took := time.Since(start); !errors.Is(de, httpsender.ErrPaused) || took != 0 {
			t.Errorf("Send to a paused endpoint = %v after %v, want ErrPaused at once", de, took)
		}
		wg.Wait()
	})
}

func TestOneProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &patient{took: 5 * time.Second}
		p.status.Store(503)
		s := &httpsender.Sender{Transport: p, Attempts: 1, PauseAfter: 2, Pause: 10 * time.Second}
		for range 2 {
			_, _ = send(t, s, post("https://esp.example/"))
		}
		time.Sleep(10 * time.Second)
		before := p.hits.Load()
		p.status.Store(200)
		var paused atomic.Int64
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if _, err := s.Send(t.Context(), post("https://esp.example/")); errors.Is(err, httpsender.ErrPaused) {
					paused.Add(1)
				}
			})
		}
		wg.Wait()
		if hits := p.hits.Load() - before; hits != 1 || paused.Load() != 49 {
			t.Errorf("%d requests were let through and %d paused, want 1 and 49", hits, paused.Load())
		}
	})
}

// A probe that its caller gives up says nothing; the next request is a probe.
func TestCanceledProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mode atomic.Value
		mode.Store("fail")
		s := &httpsender.Sender{Attempts: 1, PauseAfter: 1, Pause: time.Second, Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
			switch mode.Load() {
			case "fail":
				time.Sleep(2 * time.Second)
				return answered(500)
			case "hang":
				return hang(r)
			}
			return answered(200)
		})}
		_, _ = send(t, s, post("https://esp.example/"))
		time.Sleep(time.Second)
		mode.Store("hang")
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		_, _ = s.Send(ctx, post("https://esp.example/"))
		mode.Store("well")
		if _, de := send(t, s, post("https://esp.example/")); de != nil {
			t.Errorf("Send after a canceled probe = %v, want it to be the next probe, and delivered", de)
		}
	})
}

func TestWhatIsAFailure(t *testing.T) {
	// The number of requests that reach an endpoint out of 30 in 30 seconds.
	hits := func(t *testing.T, edit func(*httpsender.Sender), trip func(r *http.Request) (*http.Response, error)) (n int) {
		s := &httpsender.Sender{Attempts: 1, Pause: time.Hour, Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
			n++
			return trip(r)
		})}
		if edit != nil {
			edit(s)
		}
		for range 30 {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			_, _ = s.Send(ctx, post("https://esp.example/"))
			cancel()
			time.Sleep(time.Second)
		}
		return n
	}
	status := func(status int) func(*http.Request) (*http.Response, error) {
		return func(*http.Request) (*http.Response, error) { return answered(status) }
	}
	broken := func(*http.Request) (*http.Response, error) { return nil, fakeErrors["reset"] }
	n := 0
	tests := []struct {
		name string
		edit func(*httpsender.Sender)
		trip func(*http.Request) (*http.Response, error)
		want int
	}{
		{"500", nil, status(500), 10},
		{"504", nil, status(504), 10},
		{"429", nil, status(429), 10},
		{"reset", nil, broken, 10},
		{"refused", nil, func(*http.Request) (*http.Response, error) { return nil, fakeErrors["refused"] }, 10},
		{"no answer before the caller's deadline", nil, hang, 10},
		{"200", nil, status(200), 30},
		{"400", nil, status(400), 30},
		{"404", nil, status(404), 30},
		{"302", nil, status(302), 30},
		{"every other", nil, func(*http.Request) (*http.Response, error) {
			n++
			return answered(200 + 300*(n%2))
		}, 30},
		{"after three", func(s *httpsender.Sender) { s.PauseAfter = 3 }, status(500), 3},
		{"never", func(s *httpsender.Sender) { s.PauseAfter = -1 }, status(500), 30},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := hits(t, tt.edit, tt.trip); got != tt.want {
					t.Errorf("%d of 30 requests reached the endpoint, want %d", got, tt.want)
				}
			})
		})
	}
}

// An endpoint that fails often, but not always, is not left alone however busy
// it is: not even if some of its failures take long.
func TestBusyAndFailingIsNotPaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		s := &httpsender.Sender{Attempts: 1, MaxInFlight: 1000, MaxInFlightPerEndpoint: 1000, Transport: transportFunc(func(*http.Request) (*http.Response, error) {
			switch i := n.Add(1); {
			case i%100 < 80 && i%7 == 0:
				time.Sleep(5 * time.Second)
				return answered(500)
			case i%100 < 80:
				time.Sleep(time.Millisecond)
				return answered(500)
			}
			time.Sleep(time.Millisecond)
			return answered(200)
		})}
		var wg sync.WaitGroup
		var paused atomic.Int64
		for range 10_000 {
			wg.Go(func() {
				if _, err := s.Send(t.Context(), post("https://esp.example/")); errors.Is(err, httpsender.ErrPaused) {
					paused.Add(1)
				}
			})
			time.Sleep(time.Millisecond)
		}
		wg.Wait()
		if paused.Load() != 0 {
			t.Errorf("%d of 10000 requests met a pause, want none: a fifth is answered well", paused.Load())
		}
	})
}

// A pause that begins between two attempts ends the retries, and is not taken
// for a request that was never sent.
func TestPauseDuringRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &patient{took: 2 * time.Second}
		p.status.Store(500)
		s := &httpsender.Sender{Transport: p, PauseAfter: 2, Attempts: 5, Pause: time.Hour}
		_, de := send(t, s, post("https://esp.example/"))
		if de == nil || de.Verdict != campaign.Rejected || de.Attempts != 2 || errors.Is(de, httpsender.ErrPaused) {
			t.Errorf("Send = %v, want rejected after 2 attempts", de)
		}
	})
}
