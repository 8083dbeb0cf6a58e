// A broadcast for challenges 3a to 3e with the standard library alone, built as nodes on Maelstrom's
// library for Go are: a goroutine for each message, locks, tickers. What is new goes to one node, the hub, and
// from there to all, ten times a second, again until it is acknowledged.
package main

import (
	"bufio"
	"encoding/json"
	"log"
	"os"
	"sync"
	"time"
)

const (
	flush = 100 * time.Millisecond
	again = time.Second
)

type body struct {
	Type      string   `json:"type"`
	MsgID     int      `json:"msg_id,omitempty"`
	InReplyTo int      `json:"in_reply_to,omitempty"`
	NodeID    string   `json:"node_id,omitempty"`
	NodeIDs   []string `json:"node_ids,omitempty"`
	Message   *int     `json:"message,omitempty"`
	Messages  *[]int   `json:"messages,omitempty"`
	Values    []int    `json:"values,omitempty"`
}

type message struct {
	Src  string `json:"src"`
	Dest string `json:"dest"`
	Body body   `json:"body"`
}

type node struct {
	mutex     sync.Mutex
	id        string
	ids       []string
	nextID    int
	callbacks map[int]func()
	known     map[int]bool
	all       []int
	// By neighbour, what it has not acknowledged, and when it was last told.
	owed map[string]map[int]time.Time
	out  sync.Mutex
}

func (n *node) send(dest string, b body) {
	n.out.Lock()
	defer n.out.Unlock()
	line, err := json.Marshal(message{n.id, dest, b})
	if err != nil {
		log.Fatal(err)
	}
	os.Stdout.Write(append(line, '\n'))
}

func (n *node) neighbours() []string {
	if n.id == n.ids[0] {
		return n.ids[1:]
	}
	return n.ids[:1]
}

func (n *node) learn(values []int, from string) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	for _, value := range values {
		if n.known[value] {
			continue
		}
		n.known[value] = true
		n.all = append(n.all, value)
		for _, neighbour := range n.neighbours() {
			if neighbour == from {
				continue
			}
			if n.owed[neighbour] == nil {
				n.owed[neighbour] = map[int]time.Time{}
			}
			n.owed[neighbour][value] = time.Time{}
		}
	}
}

func (n *node) tell() {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	now := time.Now()
	for _, neighbour := range n.neighbours() {
		var values []int
		for value, told := range n.owed[neighbour] {
			if now.Sub(told) >= again {
				values = append(values, value)
				n.owed[neighbour][value] = now
			}
		}
		if len(values) == 0 {
			continue
		}
		owed := n.owed[neighbour]
		n.nextID++
		n.callbacks[n.nextID] = func() {
			for _, value := range values {
				delete(owed, value)
			}
		}
		n.send(neighbour, body{Type: "gossip", MsgID: n.nextID, Values: values})
	}
}

func (n *node) handle(m message) {
	reply := body{Type: m.Body.Type + "_ok", InReplyTo: m.Body.MsgID}
	switch m.Body.Type {
	case "broadcast":
		n.learn([]int{*m.Body.Message}, "")
	case "gossip":
		n.learn(m.Body.Values, m.Src)
	case "gossip_ok":
		n.mutex.Lock()
		defer n.mutex.Unlock()
		if callback := n.callbacks[m.Body.InReplyTo]; callback != nil {
			delete(n.callbacks, m.Body.InReplyTo)
			callback()
		}
		return
	case "read":
		n.mutex.Lock()
		values := append([]int{}, n.all...)
		n.mutex.Unlock()
		reply.Messages = &values
	}
	n.send(m.Src, reply)
}

func main() {
	n := &node{
		callbacks: map[int]func(){},
		known:     map[int]bool{},
		owed:      map[string]map[int]time.Time{},
	}
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var m message
		if err := json.Unmarshal(line, &m); err != nil {
			log.Fatal(err)
		}
		if m.Body.Type == "init" {
			n.id, n.ids = m.Body.NodeID, m.Body.NodeIDs
			n.send(m.Src, body{Type: "init_ok", InReplyTo: m.Body.MsgID})
			go func() {
				for range time.Tick(flush) {
					n.tell()
				}
			}()
			continue
		}
		go n.handle(m)
	}
}
