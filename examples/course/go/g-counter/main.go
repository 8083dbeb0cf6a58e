// A sum in seq-kv. A read first writes something new, so that what it sees is up to date.
package main

import (
	"encoding/json"
	"time"

	"course/kolknode"
)

func main() {
	node := kolknode.New()
	store := kolknode.KeyValue{Node: node, Service: "seq-kv", Wait: time.Second}
	current := func() (int64, error) {
		value, err := store.Read("sum")
		if hasCode(err, 20) {
			return 0, nil
		} else if err != nil {
			return 0, err
		}
		return value.(json.Number).Int64()
	}

	node.Handlers["add"] = func(_ string, body kolknode.Body) (kolknode.Body, error) {
		delta, err := body["delta"].(json.Number).Int64()
		if err != nil {
			return nil, err
		}
		for {
			before, err := current()
			if err != nil {
				return nil, err
			}
			err = store.CAS("sum", before, before+delta, true)
			if err == nil {
				return kolknode.Body{"type": "add_ok"}, nil
			} else if !hasCode(err, 22) {
				return nil, err
			}
		}
	}
	node.Handlers["read"] = func(string, kolknode.Body) (kolknode.Body, error) {
		if err := store.Write(node.ID, node.Rand.Int63n(1<<50)); err != nil {
			return nil, err
		}
		sum, err := current()
		return kolknode.Body{"type": "read_ok", "value": sum}, err
	}
	node.Run()
}

func hasCode(err error, code int64) bool {
	e, ok := err.(kolknode.Error)
	return ok && e.Code == code
}
