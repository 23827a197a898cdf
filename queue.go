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
	promised    int   // places that are taken for its runs
	working     int   // runs that workers have
	prev, next  *lane // in the ring; nil if no run waits
}

// reserve takes a place in the queue, before what is to be put there is made. There
// is one if fewer than QueueSize runs wait. Those of a slow campaign may fill the
// queue, so there is one, too, for each worker that is free if the run would not have
// to wait for it.
//
// With that, no more runs wait or are on their way than there are places and free
// workers. A place keeps no worker from others: while host code is told that the run is
// queued, one that waits may take it. Then that one's place is free, and push uses it.
//
// It returns the campaign's lane, or nil if there is no place.
func (e *Engine) reserve(campaign string) *lane {
	e.mu.Lock()
	defer e.mu.Unlock()
	q := &e.queue
	l := q.lane(campaign)
	if places := e.queueSize - q.waiting - q.promised; places <= 0 && (places+q.free(e.maxWorkers) <= 0 || !q.mayStart(l, e.maxWorkers, e.set.Load())) {
		q.forget(l)
		return nil
	}
	q.promised++
	l.promised++
	return l
}

// unreserve gives back what reserve has taken.
func (e *Engine) unreserve(l *lane) {
	e.mu.Lock()
	defer e.mu.Unlock()
	q := &e.queue
	q.promised--
	l.promised--
	q.forget(l)
	e.dispatch() // a campaign that is alone now may have all workers
}

// push puts a run into the place that was reserved for it.
func (e *Engine) push(r *run) {
	e.mu.Lock()
	if !r.announcing {
		e.addRun(r)
	}
	r.announcing = false
	q, l := &e.queue, r.lane
	q.promised--
	l.promised--
	if e.stopped.Load() {
		q.forget(l)
		r.lane = nil
		e.mu.Unlock()
		e.abandon(r)
		return
	}
	if q.waiting >= e.queueSize { // its worker is free, see reserve, even if its campaign may have less by now
		q.begin(l)
		e.start(r)
	} else {
		q.add(r)
		e.dispatch()
	}
	e.mu.Unlock()
}

// dispatch hands runs to workers as long as there are both. e.mu is held.
func (e *Engine) dispatch() {
	for e.queue.free(e.maxWorkers) > 0 {
		r := e.queue.take(e.maxWorkers, e.set.Load())
		if r == nil {
			return
		}
		e.start(r)
	}
}

// free returns how many workers have nothing to do, or are still to be made. One that
// is done with its run, and has not yet asked for the next, is not among them: there
// may be one that waits for it.
func (q *queue) free(workers int) int { return len(q.idle) + workers - q.workers }

// begin counts a run as one that a worker has.
func (q *queue) begin(l *lane) {
	l.working++
	q.working++
}

// start gives the run to a worker. e.mu is held, and a worker is free.
func (e *Engine) start(r *run) {
	q := &e.queue
	if n := len(q.idle); n > 0 {
		q.idle[n-1] <- r // has room for one
		q.idle = q.idle[:n-1]
		return
	}
	q.workers++
	e.goroutines++
	go e.work(r)
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
	e.noticeEnd()
}

// lane returns the lane of a campaign, which it makes if there is none.
func (q *queue) lane(campaign string) *lane {
	l := q.lanes[campaign]
	if l == nil {
		l = &lane{campaign: campaign}
		if q.lanes == nil {
			q.lanes = make(map[string]*lane)
		}
		q.lanes[campaign] = l
	}
	return l
}

// forget removes a lane with nothing in it.
func (q *queue) forget(l *lane) {
	if l.working == 0 && l.promised == 0 && l.first == nil {
		delete(q.lanes, l.campaign)
	}
}

func (q *queue) add(r *run) {
	l := r.lane
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
	q.begin(l)
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
	return l.working < share(workers-(q.working-l.working))
}

// share is how many workers a campaign may have of those that the others leave.
func share(left int) int { return max(1, left/4*3+left%4*3/4) } // left*3/4 could wrap around

// mayStart is mayTake for a run on its way, when all others on theirs have begun.
func (q *queue) mayStart(l *lane, workers int, set *campaignSet) bool {
	if q.alone(l, set) {
		return true
	}
	left := workers - (q.working - l.working) - (q.promised - l.promised)
	return l.working+l.promised < share(left)
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
	q.forget(l)
}

// clear takes all runs out, in the order of their turns. They count as given to
// workers, until they are released.
func (q *queue) clear() []*run {
	var runs []*run
	for q.turn != nil {
		l := q.turn
		q.turn = l.next
		q.begin(l)
		runs = append(runs, q.pop(l))
	}
	return runs
}
