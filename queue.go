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

// A lane is the line of one campaign.
type lane struct {
	campaign    string
	first, last *run
	working     int   // runs that workers have
	prev, next  *lane // in the ring; nil if no run waits
}

// reserve takes a place in the queue, before what is to be put there is made.
// There is one if fewer than QueueSize runs wait, and if the run would not have
// to wait, though those of a slow campaign may fill the queue.
func (e *Engine) reserve(campaign string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	q := &e.queue
	if q.waiting+q.promised >= e.queueSize {
		free := q.working+q.promised < e.maxWorkers
		if l := q.lanes[campaign]; !free || l != nil && !q.mayTake(l, e.maxWorkers, e.set.Load()) {
			return false
		}
	}
	q.promised++
	return true
}

func (e *Engine) unreserve() {
	e.mu.Lock()
	e.queue.promised--
	e.mu.Unlock()
}

// push puts a run into the place that was reserved for it.
func (e *Engine) push(r *run) {
	e.mu.Lock()
	if !r.announcing {
		e.runs.add(r)
	}
	r.announcing = false
	e.queue.promised--
	if e.stopped {
		e.mu.Unlock()
		e.abandon(r)
		return
	}
	e.queue.add(r)
	e.dispatch()
	e.mu.Unlock()
}

// dispatch hands runs to workers as long as there are both. e.mu is held.
func (e *Engine) dispatch() {
	q := &e.queue
	for q.working < e.maxWorkers && (len(q.idle) > 0 || q.workers < e.maxWorkers) {
		r := q.take(e.maxWorkers, e.set.Load())
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

func (q *queue) add(r *run) {
	l := q.lanes[r.prog.id]
	if l == nil {
		l = &lane{campaign: r.prog.id}
		if q.lanes == nil {
			q.lanes = make(map[string]*lane)
		}
		q.lanes[r.prog.id] = l
	}
	r.lane = l
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
func (q *queue) take(workers int, set *campaignSet) *run {
	l := q.turn
	for l != nil && !q.mayTake(l, workers, set) {
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
	q.waiting--
	if l.first == nil {
		l.last = nil
		q.leave(l)
	}
	return r
}

// mayTake reports whether a campaign may have one more worker. It may have up to
// three quarters of those that others leave it, so that one whose endpoint is
// slow does not hold all of them when others come; and always one. A campaign
// that is alone has nobody to leave any for.
func (q *queue) mayTake(l *lane, workers int, set *campaignSet) bool {
	if q.alone(l, set) {
		return true
	}
	left := workers - (q.working - l.working)
	return l.working < max(1, left/4*3+left%4*3/4) // left*3/4 could wrap around
}

// alone reports whether no run of another campaign is in the queue or under way,
// or can come. What is loaded does not say so by itself: a campaign that was
// replaced or paused may have a long line, which would hold all workers, round
// after round, while the one that is loaded waits.
func (q *queue) alone(l *lane, set *campaignSet) bool {
	return len(q.lanes) == 1 && !set.hasOther(l.campaign)
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
	if l.working == 0 && l.first == nil {
		delete(q.lanes, l.campaign)
	}
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
