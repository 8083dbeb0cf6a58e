// Ids of the node's name, a number of this life of the node, and a count.
package main

import (
	"fmt"

	"course/kolknode"
)

func main() {
	node := kolknode.New()
	life, count := uint64(0), 0
	node.Handlers["init"] = func(string, kolknode.Body) (kolknode.Body, error) {
		life = node.Rand.Uint64()
		return nil, nil
	}
	node.Handlers["generate"] = func(string, kolknode.Body) (kolknode.Body, error) {
		count++
		id := fmt.Sprintf("%s-%016x-%d", node.ID, life, count)
		return kolknode.Body{"type": "generate_ok", "id": id}, nil
	}
	node.Run()
}
