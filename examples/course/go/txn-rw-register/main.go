// Registers on all nodes: a transaction runs where it comes to; the greater stamp wins.
package main

import (
	"bytes"
	"encoding/json"
	"time"

	"course/kolknode"
)

// A stamp orders transactions: by a clock that hears of other clocks, then by the node's name.
type stamp struct {
	Clock int64
	Node  string
}

func (s stamp) before(other stamp) bool {
	return s.Clock < other.Clock || s.Clock == other.Clock && s.Node < other.Node
}

type register struct {
	value any
	stamp stamp
}

// A transaction is what one wrote, as it is told to the other nodes.
type transaction struct {
	Writes [][2]any
	Stamp  stamp
}

func main() {
	node := kolknode.New()
	registers, clock := map[any]register{}, int64(0)
	unheard := map[string][]transaction{} // For each peer what it has not confirmed.

	apply := func(t transaction) {
		if clock < t.Stamp.Clock {
			clock = t.Stamp.Clock
		}
		for _, write := range t.Writes {
			if known, ok := registers[write[0]]; !ok || !t.Stamp.before(known.stamp) {
				registers[write[0]] = register{write[1], t.Stamp}
			}
		}
	}
	deliver := func(peer string) {
		for {
			node.Sleep(100 * time.Millisecond)
			batch := unheard[peer]
			if len(batch) == 0 {
				continue
			}
			tell := kolknode.Body{"type": "tell", "transactions": batch}
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
	node.Handlers["txn"] = func(_ string, body kolknode.Body) (kolknode.Body, error) {
		done, written := []any{}, map[any]any{}
		t := transaction{Stamp: stamp{clock + 1, node.ID}}
		for _, part := range body["txn"].([]any) {
			operation := part.([]any)
			key, value := operation[1], operation[2]
			if operation[0] == "w" {
				written[key] = value
				t.Writes = append(t.Writes, [2]any{key, value})
			} else if own, ok := written[key]; ok {
				value = own
			} else {
				value = registers[key].value
			}
			done = append(done, []any{operation[0], key, value})
		}
		if len(t.Writes) > 0 {
			for key := range unheard {
				unheard[key] = append(unheard[key], t)
			}
			apply(t)
		}
		return kolknode.Body{"type": "txn_ok", "txn": done}, nil
	}
	node.Handlers["tell"] = func(_ string, body kolknode.Body) (kolknode.Body, error) {
		transactions, err := read(body["transactions"])
		for _, t := range transactions {
			apply(t)
		}
		return kolknode.Body{"type": "tell_ok"}, err
	}
	node.Run()
}

// read makes transactions of what another node wrote; keys stay the numbers that clients sent.
func read(told any) (transactions []transaction, err error) {
	text, err := json.Marshal(told)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	err = decoder.Decode(&transactions)
	return transactions, err
}
