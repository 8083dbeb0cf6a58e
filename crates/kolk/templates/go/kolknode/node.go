// Package kolknode is a node on any clock. One handler runs at a time, until it waits: state needs
// no locks. For work beside the handlers use Node.Go, and no goroutines of your own.
package kolknode

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"strconv"
	"time"
)

// Body is the body of a message; its numbers are of type json.Number.
type Body map[string]any

// Handler gets who sent a body, and gives the reply's body; or nil, and then whoever answers later
// sends a body with the request's msg_id as in_reply_to.
type Handler func(src string, body Body) (Body, error)

// Node is a node. The handler of "init" is called when it knows its name.
type Node struct {
	ID       string
	IDs      []string
	Rand     *rand.Rand
	Handlers map[string]Handler
	waiters  []*waiter // By the time they are due.
	number   int64
	at       int64 // Virtual nanoseconds.
	lockstep bool
	yield    chan bool // Where the goroutine that runs says that it waits.
	out      *bufio.Writer
}

// New makes a node without handlers.
func New() *Node {
	random := rand.New(rand.NewSource(time.Now().UnixNano()))
	out := bufio.NewWriter(os.Stdout)
	// Answers to a life before this one may still come, so that numbers begin anywhere.
	number := int64(random.Uint32())
	return &Node{Rand: random, Handlers: map[string]Handler{}, number: number, out: out}
}

// Send sends a message that wants no reply.
func (n *Node) Send(dest string, body Body) {
	message := Body{"src": n.ID, "dest": dest, "body": body}
	if err := json.NewEncoder(n.out).Encode(message); err != nil {
		panic(err)
	}
}

func (n *Node) serve(src string, body Body) {
	kind := fmt.Sprint(body["type"])
	reply, err := Body(nil), error(Error{10, "unknown type " + kind})
	if handler := n.Handlers[kind]; handler != nil {
		reply, err = handler(src, body)
	}
	if e, ok := err.(Error); ok {
		reply = Body{"type": "error", "code": e.Code, "text": e.Text}
	} else if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", kind, err)
		reply = Body{"type": "error", "code": 13, "text": err.Error()}
	}
	if id, wanted := body["msg_id"]; wanted && reply != nil {
		reply["in_reply_to"] = id
		n.Send(src, reply)
	}
}

func (n *Node) take(line []byte) error {
	var m struct {
		Src  string
		Body Body
		At   int64
	}
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	if err := decoder.Decode(&m); err != nil {
		return err
	}
	n.at = m.At
	number := fmt.Sprint(m.Body["in_reply_to"])
	for i, w := range n.waiters {
		if w.number == number {
			n.wake(i, m.Body)
			return nil
		}
	}
	if m.Body["type"] == "init" {
		return n.begin(m.Src, line)
	}
	if m.Body["in_reply_to"] == nil && m.Src != "clock" {
		n.Go(func() { n.serve(m.Src, m.Body) })
	}
	return nil
}

// begin answers init.
func (n *Node) begin(src string, line []byte) error {
	var init struct {
		Body struct {
			MsgID    int64    `json:"msg_id"`
			NodeID   string   `json:"node_id"`
			NodeIDs  []string `json:"node_ids"`
			Lockstep *struct{ Seed string }
		}
	}
	if err := json.Unmarshal(line, &init); err != nil {
		return err
	}
	n.ID, n.IDs, n.lockstep = init.Body.NodeID, init.Body.NodeIDs, init.Body.Lockstep != nil
	reply := Body{"type": "init_ok", "in_reply_to": init.Body.MsgID}
	if n.lockstep {
		seed, _ := strconv.ParseUint(init.Body.Lockstep.Seed, 16, 64)
		n.number = int64(seed >> 32)
		n.Rand.Seed(int64(seed))
		reply["lockstep"] = Body{"version": 1}
	}
	n.Send(src, reply)
	n.Go(func() { n.serve(src, Body{"type": "init"}) })
	return nil
}

// Run serves until the input ends.
func (n *Node) Run() {
	lines := make(chan []byte)
	go func() {
		defer close(lines)
		for input := bufio.NewReader(os.Stdin); ; {
			line, err := input.ReadBytes('\n')
			if err != nil {
				return
			}
			lines <- line
		}
	}()
	for {
		var alarm <-chan time.Time
		if !n.lockstep && len(n.waiters) > 0 {
			alarm = time.After(time.Duration(n.waiters[0].due - n.Now()))
		}
		select {
		case line, more := <-lines:
			if !more {
				return
			} else if err := n.take(line); err != nil {
				fmt.Fprintf(os.Stderr, "not a message: %v: %.200s\n", err, line)
			}
		case <-alarm:
		}
		for len(n.waiters) > 0 && n.waiters[0].due <= n.Now() {
			n.wake(0, nil)
		}
		if n.lockstep {
			idle := Body{"type": "idle", "wake_at": nil}
			if len(n.waiters) > 0 {
				idle["wake_at"] = n.waiters[0].due
			}
			n.Send("clock", idle)
		}
		n.out.Flush()
	}
}
