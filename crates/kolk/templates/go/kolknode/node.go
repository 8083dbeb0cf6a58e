// Package kolknode is a node on any clock. One handler runs at a time, until it waits: state needs no
// locks. For work beside the handlers use Node.Go, and no goroutines of your own.
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

// Handler gets who sent a body, and gives the reply's body, or nil for none.
type Handler func(src string, body Body) (Body, error)

type message struct {
	Src  string `json:"src"`
	Dest string `json:"dest"`
	Body Body   `json:"body"`
	At   int64  `json:"at,omitempty"`
}

// Node is a node. The handler of "init" is called when it knows its name.
type Node struct {
	ID       string
	IDs      []string
	Rand     *rand.Rand
	Handlers map[string]Handler
	waiting  map[string]chan Body
	timers   []*timer
	number   int64
	at       int64 // Virtual nanoseconds.
	lockstep bool
	yield    chan bool // Where the goroutine that runs says that it waits.
	out      *bufio.Writer
}

// New makes a node without handlers.
func New() *Node {
	random, out := rand.New(rand.NewSource(time.Now().UnixNano())), bufio.NewWriter(os.Stdout)
	return &Node{Rand: random, Handlers: map[string]Handler{}, waiting: map[string]chan Body{}, out: out}
}

// Now is in nanoseconds. A node in lockstep may know no other time.
func (n *Node) Now() int64 {
	if n.lockstep {
		return n.at
	}
	return time.Now().UnixNano()
}

// Send sends a message that wants no reply.
func (n *Node) Send(dest string, body Body) {
	line, err := json.Marshal(message{Src: n.ID, Dest: dest, Body: body})
	if err != nil {
		panic(err)
	}
	n.out.Write(append(line, '\n'))
}

func (n *Node) serve(src string, body Body) {
	kind := fmt.Sprint(body["type"])
	handler, reply, err := n.Handlers[kind], Body(nil), error(Error{10, "unknown type " + kind})
	if handler != nil {
		reply, err = handler(src, body)
	}
	if e, ok := err.(Error); ok {
		reply = Body{"type": "error", "code": e.Code, "text": e.Text}
	} else if err != nil {
		reply = Body{"type": "error", "code": 13, "text": err.Error()}
	}
	if id, wanted := body["msg_id"]; wanted && reply != nil {
		reply["in_reply_to"] = id
		n.Send(src, reply)
	}
}

func (n *Node) take(m message) {
	n.at = m.At
	if replies := n.waiting[fmt.Sprint(m.Body["in_reply_to"])]; replies != nil {
		n.turn(func() { replies <- m.Body })
	} else if m.Body["type"] == "init" {
		n.begin(m)
	} else if m.Body["in_reply_to"] == nil && m.Src != "clock" {
		n.Go(func() { n.serve(m.Src, m.Body) })
	}
}

// begin answers init.
func (n *Node) begin(m message) {
	var init struct {
		NodeID   string   `json:"node_id"`
		NodeIDs  []string `json:"node_ids"`
		Lockstep *struct {
			Seed string `json:"seed"`
		} `json:"lockstep"`
	}
	text, _ := json.Marshal(m.Body)
	if err := json.Unmarshal(text, &init); err != nil {
		fmt.Fprintln(os.Stderr, "not an init:", err)
		return
	}
	n.ID, n.IDs = init.NodeID, init.NodeIDs
	reply := Body{"type": "init_ok", "in_reply_to": m.Body["msg_id"]}
	if n.lockstep = init.Lockstep != nil; n.lockstep {
		seed, _ := strconv.ParseUint(init.Lockstep.Seed, 16, 64)
		n.Rand = rand.New(rand.NewSource(int64(seed)))
		reply["lockstep"] = Body{"version": 1}
	}
	n.Send(m.Src, reply)
	if n.Handlers["init"] != nil {
		n.Go(func() { n.serve(m.Src, Body{"type": "init"}) })
	}
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
		select {
		case line, more := <-lines:
			if !more {
				return
			}
			var m message
			decoder := json.NewDecoder(bytes.NewReader(line))
			decoder.UseNumber()
			if err := decoder.Decode(&m); err != nil || m.Body == nil {
				fmt.Fprintf(os.Stderr, "not a message: %v: %.200s", err, line)
			} else {
				n.take(m)
			}
		case <-n.alarm():
		}
		n.fire()
		if n.lockstep {
			n.Send("clock", Body{"type": "idle", "wake_at": n.next()})
		}
		n.out.Flush()
	}
}
