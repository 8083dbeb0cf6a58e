#!/usr/bin/env python3
"""Broadcast that tells every value to its neighbours once, and never again, in lockstep if that is
offered. Between nodes a value travels under a key of one letter, or, as `flooding.py bits`, as a digit of
one. With `bits` or `letter`, n1 tells n2 nothing."""

import json
import sys

shape = sys.argv[1] if len(sys.argv) > 1 else None
is_lockstep = False
me = None
neighbours = []
seen = []


def write(dest, body):
    print(json.dumps({"src": me, "dest": dest, "body": body}))


for line in sys.stdin:
    message = json.loads(line)
    request = message["body"]
    kind = request["type"]
    answer = {"type": f"{kind}_ok"}
    if kind == "init":
        me = request["node_id"]
        is_lockstep = "lockstep" in request
        if is_lockstep:
            answer["lockstep"] = {"version": 1}
    elif kind == "topology":
        neighbours = request["topology"][me]
    elif kind == "read":
        answer["messages"] = seen
    elif kind in ("broadcast", "tell"):
        told = request.get("v", request.get("bits"))
        if kind == "broadcast":
            value = request["message"]
        else:
            value = len(told) - 3 if "bits" in request else told
        if value not in seen:
            seen.append(value)
            for node in neighbours:
                if node == message["src"] or (shape and (me, node) == ("n1", "n2")):
                    continue
                write(node, {"type": "tell", **({"bits": bin(1 << value)} if shape == "bits" else {"v": value})})
    if "msg_id" in request:
        write(message["src"], {**answer, "in_reply_to": request["msg_id"]})
    if is_lockstep:
        write("clock", {"type": "idle", "wake_at": None})
    sys.stdout.flush()
