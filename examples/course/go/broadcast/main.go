// Broadcast: each node tells all others what it was told, in batches, until they have heard.
package main

import (
	"time"

	"course/kolknode"
)

// A longer one saves messages, a shorter one saves time.
const period = 200 * time.Millisecond

func main() {
	node := kolknode.New()
	values, known := []any{}, map[any]bool{}
	unheard := map[string][]any{} // For each peer what it has not confirmed.

	learn := func(value any) {
		if !known[value] {
			known[value] = true
			values = append(values, value)
		}
	}
	deliver := func(peer string) {
		for {
			node.Sleep(period)
			batch := unheard[peer]
			if len(batch) == 0 {
				continue
			}
			tell := kolknode.Body{"type": "tell", "messages": batch}
			if _, err := node.RPC(peer, tell, time.Second); err == nil {
				unheard[peer] = unheard[peer][len(batch):]
			}
		}
	}

	node.Handlers["init"] = func(string, kolknode.Body) (kolknode.Body, error) {
		for _, peer := range node.IDs {
			if peer := peer; peer != node.ID {
				unheard[peer] = nil
				node.Go(func() { deliver(peer) })
			}
		}
		return nil, nil
	}
	node.Handlers["topology"] = func(string, kolknode.Body) (kolknode.Body, error) {
		return kolknode.Body{"type": "topology_ok"}, nil
	}
	node.Handlers["broadcast"] = func(_ string, body kolknode.Body) (kolknode.Body, error) {
		learn(body["message"])
		for peer := range unheard {
			unheard[peer] = append(unheard[peer], body["message"])
		}
		return kolknode.Body{"type": "broadcast_ok"}, nil
	}
	node.Handlers["tell"] = func(_ string, body kolknode.Body) (kolknode.Body, error) {
		for _, message := range body["messages"].([]any) {
			learn(message)
		}
		return kolknode.Body{"type": "tell_ok"}, nil
	}
	node.Handlers["read"] = func(string, kolknode.Body) (kolknode.Body, error) {
		return kolknode.Body{"type": "read_ok", "messages": values}, nil
	}
	node.Run()
}
