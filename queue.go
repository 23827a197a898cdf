package campaign

// A queue holds the runs that wait for a worker: a lane for each campaign, and
// the lanes that have something to do in a ring, so that each gets its turn.
// It is guarded by Engine.mu.
type queue struct {
	lanes    map[string]*lane // by campaign ID: a lane outlives a Load
	turn     *lane            // in the ring: whose turn it is; nil if no run waits
	waiting  int              // runs in lanes
	promised int              // places that are taken for runs on their way here
	working  int              // runs that workers have

	workers int // goroutines
	idle    []chan *run

	abandoned *abandonment // of what Close took out; nil before
}

// A lane is the line of one campaign. It is there as long as anything of its
// campaign is, be it a promise.
type lane struct {
	campaign    string
	first, last *run
	waiting     int   // runs in the lane
	promised    int   // its part of queue.promised
	working     int   // runs that workers have
	prev, next  *lane // in the ring; nil if no run waits
}

// reserve takes a place in the queue, before what is to be put there is made.
// There is one if fewer than QueueSize runs wait and the campaign has not had its
// share of the places, and if the run would not have to wait, whoever does.
func (e *Engine) reserve(campaign string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	q, alone := &e.queue, e.alone()
	l := q.lanes[campaign]
	if l == nil {
		l = &lane{campaign: campaign}
	}
	if !q.mayBegin(l, e.maxWorkers, alone) && !q.mayWait(l, e.queueSize, alone) {
		return false
	}
	if q.lanes == nil {
		q.lanes = make(map[string]*lane)
	}
	q.lanes[campaign] = l
	l.promised++
	q.promised++
	return true
}

func (e *Engine) unreserve(campaign string) {
	e.mu.Lock()
	e.queue.forget(e.queue.redeem(campaign))
	e.mu.Unlock()
}

// redeem ends a promise and returns the lane for which it was given.
func (q *queue) redeem(campaign string) *lane {
	l := q.lanes[campaign]
	l.promised--
	q.promised--
	return l
}

// forget drops a lane of which nothing is left.
func (q *queue) forget(l *lane) {
	if l.waiting+l.promised+l.working == 0 {
		delete(q.lanes, l.campaign)
	}
}

// alone reports whether only one campaign can start runs.
func (e *Engine) alone() bool { return e.set.Load().active == 1 }

// push puts a run into the place that was reserved for it.
func (e *Engine) push(r *run) {
	e.mu.Lock()
	e.runs.add(r)
	l := e.queue.redeem(r.prog.id)
	if e.stopped {
		e.queue.forget(l)
		e.mu.Unlock()
		e.abandon(r)
		return
	}
	e.queue.add(l, r)
	e.dispatch()
	e.mu.Unlock()
}

// dispatch hands runs to workers as long as there are both. e.mu is held.
func (e *Engine) dispatch() {
	q := &e.queue
	for q.working < e.maxWorkers && (len(q.idle) > 0 || q.workers < e.maxWorkers) {
		r := q.take(e.maxWorkers, e.alone())
		if r == nil {
			return
		}
		if n := len(q.idle); n > 0 {
			q.idle[n-1] <- r // has room for one
			q.idle = q.idle[:n-1]
			continue
		}
		q.workers++
		e.goroutines++
		go e.work(r)
	}
}

// work executes runs until Close dismisses the worker.
func (e *Engine) work(r *run) {
	defer e.leave()
	next := make(chan *run, 1)
	for r != nil {
		e.execute(r)
		r = e.await(next)
	}
}

// await returns the worker's next run, or nil if there will be none.
func (e *Engine) await(next chan *run) *run {
	e.mu.Lock()
	if e.finished {
		e.mu.Unlock()
		return nil
	}
	e.queue.idle = append(e.queue.idle, next)
	e.dispatch()
	e.mu.Unlock()
	return <-next
}

// leave is the end of a worker: dismissed, or ended by the host's code. Then
// dispatch starts another one when there is work for it.
func (e *Engine) leave() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue.workers--
	e.goroutines--
	e.dispatch()
	e.settle()
}

func (q *queue) add(l *lane, r *run) {
	r.lane = l
	l.waiting++
	q.waiting++
	if l.last != nil {
		l.last.later = r
		l.last = r
		return
	}
	l.first, l.last = r, r
	q.enter(l)
}

// enter puts a lane into the ring, as the last one to have its turn.
func (q *queue) enter(l *lane) {
	if q.turn == nil {
		l.prev, l.next = l, l
		q.turn = l
		return
	}
	l.prev, l.next = q.turn.prev, q.turn
	l.prev.next, l.next.prev = l, l
}

func (q *queue) leave(l *lane) {
	if q.turn == l {
		q.turn = l.next
	}
	if q.turn == l {
		q.turn = nil
	}
	l.prev.next, l.next.prev = l.next, l.prev
	l.prev, l.next = nil, nil
}

// take returns the run whose turn it is, or nil if none may begin. At most as
// many lanes are passed over as there are workers: one that has no worker may
// always have one.
func (q *queue) take(workers int, alone bool) *run {
	l := q.turn
	for l != nil && !q.mayTake(l, workers, alone) {
		if l = l.next; l == q.turn {
			return nil
		}
	}
	if l == nil {
		return nil
	}
	q.turn = l.next
	l.working++
	q.working++
	return q.pop(l)
}

// pop takes the first run out of a lane that has one.
func (q *queue) pop(l *lane) *run {
	r := l.first
	l.first, r.later = r.later, nil
	l.waiting--
	q.waiting--
	if l.first == nil {
		l.last = nil
		q.leave(l)
	}
	return r
}

// share returns how many of all workers, or places, a campaign may have: up to
// three quarters of those that others leave it, so that one whose endpoint is slow
// does not hold all of them when others come; and always one. A campaign that is
// the only one has nobody to leave any for.
func share(all, others int, alone bool) int {
	if alone {
		return all
	}
	return max(1, (all-others)*3/4)
}

// mayTake reports whether a campaign may have one more worker.
func (q *queue) mayTake(l *lane, workers int, alone bool) bool {
	return l.working < share(workers, q.working-l.working, alone)
}

// mayBegin reports whether a run that is to come would have a worker at once.
func (q *queue) mayBegin(l *lane, workers int, alone bool) bool {
	return q.working+q.promised < workers && l.working+l.promised < share(workers, q.working-l.working, alone)
}

// mayWait reports whether there is a place for one more run.
func (q *queue) mayWait(l *lane, places int, alone bool) bool {
	all, own := q.waiting+q.promised, l.waiting+l.promised
	return all < places && own < share(places, all-own, alone)
}

// release gives the worker of a run back to the others.
func (q *queue) release(r *run) {
	l := r.lane
	if l == nil {
		return
	}
	r.lane = nil
	l.working--
	q.working--
	q.forget(l)
}

// clear takes all runs out, in the order of their turns. They count as given to
// workers, until they are released.
func (q *queue) clear() []*run {
	var runs []*run
	for q.turn != nil {
		l := q.turn
		q.turn = l.next
		l.working++
		q.working++
		runs = append(runs, q.pop(l))
	}
	return runs
}
