package kolknode

import "time"

// KeyValue is a client of lin-kv, seq-kv or lww-kv. Error 20: there is no such key; 22: its value is
// another.
type KeyValue struct {
	Node    *Node
	Service string
	Wait    time.Duration
}

// Read gives the value of a key.
func (kv KeyValue) Read(key any) (any, error) {
	reply, err := kv.Node.RPC(kv.Service, Body{"type": "read", "key": key}, kv.Wait)
	return reply["value"], err
}

// Write sets a key.
func (kv KeyValue) Write(key, value any) error {
	body := Body{"type": "write", "key": key, "value": value}
	_, err := kv.Node.RPC(kv.Service, body, kv.Wait)
	return err
}

// CAS sets a key if its value is from, or if there is none and create is true.
func (kv KeyValue) CAS(key, from, to any, create bool) error {
	body := Body{"type": "cas", "key": key, "from": from, "to": to, "create_if_not_exists": create}
	_, err := kv.Node.RPC(kv.Service, body, kv.Wait)
	return err
}
