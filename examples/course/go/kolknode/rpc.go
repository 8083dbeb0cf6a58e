package kolknode

import (
	"encoding/json"
	"fmt"
	"sort"
	"time"
)

// Error is an error reply, or no reply in time (code 0: it may have happened).
type Error struct {
	Code int64
	Text string
}

func (e Error) Error() string { return fmt.Sprintf("error %d: %s", e.Code, e.Text) }

// waiter is a goroutine that waits for its time, or for the reply to the request of its number.
type waiter struct {
	number string
	due    int64
	wake   chan Body
}

// Now is in nanoseconds. A node in lockstep may know no other time.
func (n *Node) Now() int64 {
	if n.lockstep {
		return n.at
	}
	return time.Now().UnixNano()
}

// Go runs a function beside the others, until it waits.
func (n *Node) Go(run func()) {
	n.turn(func() { go func() { run(); n.yield <- true }() })
}

// turn lets another goroutine run until it waits or ends.
func (n *Node) turn(begin func()) {
	before, yield := n.yield, make(chan bool)
	n.yield = yield
	begin()
	<-yield
	n.yield = before
}

// wait lets others run until there is a reply to the request of this number, or time is up: nil.
func (n *Node) wait(number string, long time.Duration) Body {
	w := &waiter{number, n.Now() + int64(long), make(chan Body)}
	n.waiters = append(n.waiters, w)
	sort.SliceStable(n.waiters, func(i, j int) bool { return n.waiters[i].due < n.waiters[j].due })
	n.yield <- true
	return <-w.wake
}

func (n *Node) wake(i int, reply Body) {
	w := n.waiters[i]
	n.waiters = append(n.waiters[:i], n.waiters[i+1:]...)
	n.turn(func() { w.wake <- reply })
}

// Sleep waits.
func (n *Node) Sleep(long time.Duration) { n.wait("", long) }

// RPC gives the reply's body, or an Error.
func (n *Node) RPC(dest string, body Body, long time.Duration) (Body, error) {
	n.number++
	request, number := Body{}, fmt.Sprint(n.number)
	for key, value := range body {
		request[key] = value
	}
	request["msg_id"] = n.number
	n.Send(dest, request)
	reply := n.wait(number, long)
	if reply == nil {
		return nil, Error{0, "no reply from " + dest + " in time"}
	} else if reply["type"] == "error" {
		code, _ := reply["code"].(json.Number).Int64()
		return nil, Error{code, fmt.Sprint(reply["text"])}
	}
	return reply, nil
}

// Retry repeats an RPC until it is answered: for what may happen twice.
func (n *Node) Retry(dest string, body Body, long time.Duration) (Body, error) {
	for {
		reply, err := n.RPC(dest, body, long)
		if e, ok := err.(Error); !ok || e.Code != 0 && e.Code != 11 {
			return reply, err
		}
		n.Sleep(long)
	}
}

// KeyValue is a client of lin-kv, seq-kv or lww-kv. Error 20: no such key; 22: its
// value is another.
type KeyValue struct {
	Node    *Node
	Service string
	Wait    time.Duration
}

// Read gives the value of a key.
func (kv KeyValue) Read(key any) (any, error) {
	reply, err := kv.Node.RPC(kv.Service, Body{"type": "read", "key": key}, kv.Wait)
	return reply["value"], err
}

// Write sets a key.
func (kv KeyValue) Write(key, value any) error {
	_, err := kv.Node.RPC(kv.Service, Body{"type": "write", "key": key, "value": value}, kv.Wait)
	return err
}

// CAS sets a key if its value is from, or if there is none and create is true.
func (kv KeyValue) CAS(key, from, to any, create bool) error {
	body := Body{"type": "cas", "key": key, "from": from, "to": to, "create_if_not_exists": create}
	_, err := kv.Node.RPC(kv.Service, body, kv.Wait)
	return err
}
