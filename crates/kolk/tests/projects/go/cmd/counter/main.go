// A sum in seq-kv. The first node reads for all, and writes something new before it does.
package main

import (
	"encoding/json"
	"time"

	kolk "kolkproject/kolknode"
)

func code(err error) int64 {
	if e, ok := err.(kolk.Error); ok {
		return e.Code
	}
	return -1
}

func main() {
	node := kolk.New()
	store := kolk.KeyValue{Node: node, Service: "seq-kv", Wait: time.Second}
	reads := 0
	current := func() (int64, error) {
		value, err := store.Read("sum")
		if code(err) == 20 {
			return 0, nil
		} else if err != nil {
			return 0, err
		}
		return value.(json.Number).Int64()
	}
	node.Handlers["add"] = func(_ string, body kolk.Body) (kolk.Body, error) {
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
				return kolk.Body{"type": "add_ok"}, nil
			} else if code(err) != 22 {
				return nil, err
			}
			node.Sleep(10 * time.Millisecond)
		}
	}
	node.Handlers["read"] = func(_ string, body kolk.Body) (kolk.Body, error) {
		if node.ID != node.IDs[0] {
			return node.RPC(node.IDs[0], body, time.Second)
		}
		reads++
		if err := store.Write(node.ID, reads); err != nil {
			return nil, err
		}
		value, err := current()
		return kolk.Body{"type": "read_ok", "value": value}, err
	}
	node.Run()
}
