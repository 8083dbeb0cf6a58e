// Logs with one owner, the first node: whoever is asked asks that one.
package main

import (
	"encoding/json"
	"time"

	"course/kolknode"
)

func number(value any) int64 {
	n, _ := value.(json.Number).Int64()
	return n
}

func main() {
	node := kolknode.New()
	logs, committed := map[string][]any{}, map[string]int64{}

	byTheOwner := func(kind string, answer func(body kolknode.Body) kolknode.Body) {
		node.Handlers[kind] = func(_ string, body kolknode.Body) (kolknode.Body, error) {
			if owner := node.IDs[0]; owner != node.ID {
				return node.RPC(owner, body, time.Second)
			}
			return answer(body), nil
		}
	}

	byTheOwner("send", func(body kolknode.Body) kolknode.Body {
		key := body["key"].(string)
		logs[key] = append(logs[key], body["msg"])
		return kolknode.Body{"type": "send_ok", "offset": len(logs[key]) - 1}
	})
	byTheOwner("poll", func(body kolknode.Body) kolknode.Body {
		msgs := map[string][][2]any{}
		for key, first := range body["offsets"].(map[string]any) {
			msgs[key] = [][2]any{}
			for offset := int(number(first)); offset < len(logs[key]) && len(msgs[key]) < 100; offset++ {
				msgs[key] = append(msgs[key], [2]any{offset, logs[key][offset]})
			}
		}
		return kolknode.Body{"type": "poll_ok", "msgs": msgs}
	})
	byTheOwner("commit_offsets", func(body kolknode.Body) kolknode.Body {
		for key, offset := range body["offsets"].(map[string]any) {
			if before, ok := committed[key]; !ok || before < number(offset) {
				committed[key] = number(offset)
			}
		}
		return kolknode.Body{"type": "commit_offsets_ok"}
	})
	byTheOwner("list_committed_offsets", func(body kolknode.Body) kolknode.Body {
		offsets := map[string]int64{}
		for _, key := range body["keys"].([]any) {
			if offset, ok := committed[key.(string)]; ok {
				offsets[key.(string)] = offset
			}
		}
		return kolknode.Body{"type": "list_committed_offsets_ok", "offsets": offsets}
	})
	node.Run()
}
