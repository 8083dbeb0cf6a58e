#!/usr/bin/env python3
# A broadcast node that knows nothing of kolk: what a neighbour has not acknowledged is told again.
import json
import sys
import threading

lock = threading.Lock()
values, unheard = [], {}


def send(dest, body):
    print(json.dumps({"src": me, "dest": dest, "body": body}), flush=True)


def learn(value, sender):
    if value in values:
        return
    values.append(value)
    for peer in peers:
        if peer != sender:
            unheard.setdefault(peer, set()).add(value)
            send(peer, {"type": "tell", "values": [value]})


def again():
    with lock:
        for peer, missing in unheard.items():
            if missing:
                send(peer, {"type": "tell", "values": sorted(missing)})
    threading.Timer(1.0, again).start()


for line in sys.stdin:
    message = json.loads(line)
    src, body = message["src"], message["body"]
    reply = {"type": body["type"] + "_ok", "in_reply_to": body.get("msg_id")}
    with lock:
        if body["type"] == "init":
            me, peers = body["node_id"], [name for name in body["node_ids"] if name != body["node_id"]]
            timer = threading.Timer(1.0, again)
            timer.start()
        elif body["type"] == "broadcast":
            learn(body["message"], src)
        elif body["type"] == "read":
            reply["messages"] = values
        elif body["type"] == "tell":
            for value in body["values"]:
                learn(value, src)
            reply = {"type": "told", "values": body["values"]}
        elif body["type"] == "told":
            unheard[src].difference_update(body["values"])
            continue
        send(src, reply)
