package kolknode

import (
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"time"
)

// Error is an error reply, or no reply in time (code 0: it may have happened).
type Error struct {
	Code int64
	Text string
}

func (e Error) Error() string { return fmt.Sprintf("error %d: %s", e.Code, e.Text) }

type timer struct {
	due int64
	run func()
}

// turn lets another goroutine run until it waits or ends.
func (n *Node) turn(begin func()) {
	before, yield := n.yield, make(chan bool)
	n.yield = yield
	begin()
	<-yield
	n.yield = before
}

// Go runs a function beside the others, until it waits.
func (n *Node) Go(run func()) {
	n.turn(func() { go func() { run(); n.yield <- true }() })
}

func (n *Node) wait(reply chan Body) Body {
	n.yield <- true
	return <-reply
}

// After calls a function later. It gives what stops that.
func (n *Node) After(wait time.Duration, run func()) (stop func()) {
	t := &timer{n.Now() + int64(wait), run}
	n.timers = append(n.timers, t)
	sort.SliceStable(n.timers, func(i, j int) bool { return n.timers[i].due < n.timers[j].due })
	return func() { t.run = nil }
}

// next is when the next timer fires, or nil if there is none. Those that were stopped are forgotten.
func (n *Node) next() any {
	for len(n.timers) > 0 {
		if n.timers[0].run != nil {
			return n.timers[0].due
		}
		n.timers = n.timers[1:]
	}
	return nil
}

// fire calls what is due, one function after the other.
func (n *Node) fire() {
	for {
		due, ok := n.next().(int64)
		if !ok || due > n.Now() {
			return
		}
		run := n.timers[0].run
		n.timers = n.timers[1:]
		run()
	}
}

// alarm rings on the real clock when a timer is due. In lockstep time comes with lines alone.
func (n *Node) alarm() <-chan time.Time {
	due, ok := n.next().(int64)
	if !ok || n.lockstep {
		return nil
	}
	return time.After(time.Duration(due - n.Now()))
}

// Sleep waits.
func (n *Node) Sleep(wait time.Duration) {
	over := make(chan Body)
	n.After(wait, func() { n.turn(func() { over <- nil }) })
	n.wait(over)
}

// RPC gives the reply's body, or an Error.
func (n *Node) RPC(dest string, body Body, wait time.Duration) (Body, error) {
	n.number++
	id, replies, request := strconv.FormatInt(n.number, 10), make(chan Body), Body{"msg_id": n.number}
	for key, value := range body {
		request[key] = value
	}
	late := Body{"type": "error", "code": json.Number("0"), "text": "no reply from " + dest}
	stop := n.After(wait, func() { n.turn(func() { replies <- late }) })
	n.waiting[id] = replies
	n.Send(dest, request)
	reply := n.wait(replies)
	stop()
	delete(n.waiting, id)
	if reply["type"] == "error" {
		code, _ := reply["code"].(json.Number).Int64()
		return nil, Error{code, fmt.Sprint(reply["text"])}
	}
	return reply, nil
}

// Retry repeats an RPC until it is answered: for what may happen twice.
func (n *Node) Retry(dest string, body Body, wait time.Duration) (Body, error) {
	for {
		reply, err := n.RPC(dest, body, wait)
		if e, ok := err.(Error); !ok || e.Code != 0 && e.Code != 11 {
			return reply, err
		}
		n.Sleep(wait)
	}
}
