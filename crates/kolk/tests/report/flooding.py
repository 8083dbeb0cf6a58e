#!/usr/bin/env python3
"""Broadcast that tells every value to its neighbours once, in lockstep, and never again.

Between nodes a value travels under a key of one letter."""

import json
import sys

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
        answer["lockstep"] = {"version": 1}
    elif kind == "topology":
        neighbours = request["topology"][me]
    elif kind == "read":
        answer["messages"] = seen
    elif kind in ("broadcast", "tell"):
        value = request["message"] if kind == "broadcast" else request["v"]
        if value not in seen:
            seen.append(value)
            for node in neighbours:
                if node != message["src"]:
                    write(node, {"type": "tell", "v": value})
    if "msg_id" in request:
        write(message["src"], {**answer, "in_reply_to": request["msg_id"]})
    write("clock", {"type": "idle", "wake_at": None})
    sys.stdout.flush()
