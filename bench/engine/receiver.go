package main

import (
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// failsEvery is how many requests there are to one that the receiver fails.
const failsEvery = 100

// A receiver is the slow ESP. One request in a hundred fails, in three ways by
// turns: it is told to come again, it is refused, or the connection breaks
// before there is an answer.
type receiver struct {
	url      string
	latency  time.Duration
	ledger   *ledger
	server   *http.Server
	requests atomic.Int64
	accepted atomic.Int64
}

func newReceiver(l *ledger, latency time.Duration) (*receiver, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{url: "http://" + listener.Addr().String(), latency: latency, ledger: l}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: time.Minute}
	go func() { _ = r.server.Serve(listener) }()
	return r, nil
}

func (r *receiver) close() { _ = r.server.Close() }

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	count := r.requests.Add(1)
	var body struct{ Number string }
	number := -1
	if err := json.NewDecoder(req.Body).Decode(&body); err == nil {
		if n, err := strconv.Atoi(body.Number); err == nil {
			number = n
		}
	}
	time.Sleep(r.latency)
	if count%failsEvery > 0 {
		r.accepted.Add(1)
		r.ledger.received(number, true)
		return // 200
	}
	r.ledger.received(number, false)
	switch count / failsEvery % 3 {
	case 0:
		w.WriteHeader(http.StatusServiceUnavailable)
	case 1:
		w.WriteHeader(http.StatusBadRequest)
	default:
		panic(http.ErrAbortHandler)
	}
}
