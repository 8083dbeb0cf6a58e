#!/usr/bin/env python3
"""A counter on one node that keeps its adds in its folder: `first` before it acknowledges them, or
`later`, when there are eight of them. It can be in lockstep."""

import json
import os
import sys

path = os.path.join(os.environ["KOLK_DATA_DIR"], "adds")
assert os.environ["MAELSTROM_DATA_DIR"] == os.environ["KOLK_DATA_DIR"]
batch = {"first": 1, "later": 8}[sys.argv[1]]
try:
    with open(path) as file:
        total = sum(int(line) for line in file)
except FileNotFoundError:
    total = 0
log = open(path, "a")
waiting = []

for line in sys.stdin:
    message = json.loads(line)
    body = message["body"]
    reply = {"type": body["type"] + "_ok", "in_reply_to": body["msg_id"]}
    if body["type"] == "init":
        me = body["node_id"]
        lockstep = "lockstep" in body
        if lockstep:
            reply["lockstep"] = {"version": 1}
    elif body["type"] == "add":
        total += body["delta"]
        waiting.append(body["delta"])
        if len(waiting) >= batch:
            log.write("".join(f"{delta}\n" for delta in waiting))
            log.flush()
            os.fsync(log.fileno())
            waiting = []
    else:
        reply["value"] = total
    print(json.dumps({"src": me, "dest": message["src"], "body": reply}), flush=True)
    if lockstep:
        idle = {"type": "idle", "wake_at": None}
        print(json.dumps({"src": me, "dest": "clock", "body": idle}), flush=True)
