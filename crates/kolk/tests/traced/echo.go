// Answers each echo from a goroutine of its own, after a pause that is drawn.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"sync"
	"time"
)

type body map[string]interface{}

type message struct {
	Src  string `json:"src"`
	Dest string `json:"dest"`
	Body body   `json:"body"`
}

func main() {
	rand.Seed(time.Now().UnixNano())
	var mutex sync.Mutex
	var name string
	send := func(dest string, b body) {
		line, _ := json.Marshal(message{name, dest, b})
		mutex.Lock()
		defer mutex.Unlock()
		fmt.Println(string(line))
	}
	scanner := bufio.NewScanner(os.Stdin)
	for scanner.Scan() {
		var m message
		if err := json.Unmarshal(scanner.Bytes(), &m); err != nil {
			panic(err)
		}
		if m.Body["type"] == "init" {
			name = m.Body["node_id"].(string)
			send(m.Src, body{"type": "init_ok", "in_reply_to": m.Body["msg_id"]})
			continue
		}
		go func() {
			time.Sleep(time.Duration(rand.Intn(200)) * time.Millisecond)
			send(m.Src, body{"type": "echo_ok", "echo": m.Body["echo"], "in_reply_to": m.Body["msg_id"]})
		}()
	}
}
