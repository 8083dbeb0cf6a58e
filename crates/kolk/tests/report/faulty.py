#!/usr/bin/env python3
"""A node that breaks the promise of whichever workload it is given, in lockstep."""

import json
import sys

workload = sys.argv[1]
me = None
sent = 0


def reply(request):
    global sent
    kind = request["type"]
    if kind == "echo":
        return {"type": "echo_ok", "echo": "something else"}
    if kind == "generate":
        return {"type": "generate_ok", "id": 1}
    if kind == "read":
        sent += 1
        if workload == "broadcast":
            return {"type": "read_ok", "messages": []}
        if workload == "g-set":
            return {"type": "read_ok", "value": []}
        return {"type": "read_ok", "value": 1_000_000 + sent}
    if kind == "send":
        return {"type": "send_ok", "offset": 0}
    if kind == "poll":
        return {"type": "poll_ok", "msgs": {key: [[0, -1]] for key in request["offsets"]}}
    if kind == "list_committed_offsets":
        return {"type": "list_committed_offsets_ok", "offsets": {}}
    if kind == "txn":
        value = [999] if workload == "txn-list-append" else 999
        return {
            "type": "txn_ok",
            "txn": [[f, k, value if f == "r" else v] for f, k, v in request["txn"]],
        }
    return {"type": f"{kind}_ok"}


def write(dest, body):
    print(json.dumps({"src": me, "dest": dest, "body": body}))


for line in sys.stdin:
    message = json.loads(line)
    request = message["body"]
    me = me or request["node_id"]
    answer = reply(request)
    if request["type"] == "init":
        answer["lockstep"] = {"version": 1}
    print(f"answering {request['type']}", file=sys.stderr, flush=True)
    write(message["src"], {**answer, "in_reply_to": request["msg_id"]})
    write("clock", {"type": "idle", "wake_at": None})
    sys.stdout.flush()
