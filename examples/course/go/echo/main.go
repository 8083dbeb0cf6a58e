// The echo node: what it is told comes back.
package main

import "course/kolknode"

func main() {
	node := kolknode.New()
	node.Handlers["echo"] = func(src string, body kolknode.Body) (kolknode.Body, error) {
		return kolknode.Body{"type": "echo_ok", "echo": body["echo"]}, nil
	}
	node.Run()
}
