// Tells every value to every node, again and again until each has heard.
package main

import (
	"encoding/json"
	"time"

	kolk "kolkproject/kolknode"
)

func main() {
	node := kolk.New()
	values, known := []any{}, map[json.Number]bool{}
	learn := func(message json.Number) {
		if known[message] {
			return
		}
		known[message] = true
		values = append(values, message)
		for _, peer := range node.IDs {
			if peer == node.ID {
				continue
			}
			peer := peer
			node.Go(func() {
				node.Retry(peer, kolk.Body{"type": "gossip", "message": message}, time.Second)
			})
		}
	}
	node.Handlers["topology"] = func(string, kolk.Body) (kolk.Body, error) {
		return kolk.Body{"type": "topology_ok"}, nil
	}
	node.Handlers["broadcast"] = func(_ string, body kolk.Body) (kolk.Body, error) {
		learn(body["message"].(json.Number))
		return kolk.Body{"type": "broadcast_ok"}, nil
	}
	node.Handlers["gossip"] = func(_ string, body kolk.Body) (kolk.Body, error) {
		learn(body["message"].(json.Number))
		return kolk.Body{"type": "gossip_ok"}, nil
	}
	node.Handlers["read"] = func(string, kolk.Body) (kolk.Body, error) {
		return kolk.Body{"type": "read_ok", "messages": values}, nil
	}
	node.Run()
}
