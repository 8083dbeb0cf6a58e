#!/usr/bin/env python3
# An echo node that announces itself where only messages may stand, and knows no lockstep.
import json
import sys

print("listening", flush=True)
for line in sys.stdin:
    try:
        message = json.loads(line)
        body = message["body"]
        kind = body["type"]
    except (ValueError, KeyError, TypeError):
        continue
    reply = {"in_reply_to": body.get("msg_id")}
    if kind == "init":
        name = body["node_id"]
        reply = {"type": "init_ok", **reply}
    elif kind == "echo":
        reply = {"type": "echo_ok", **reply, "echo": body["echo"]}
    else:
        reply = {"type": "error", **reply, "code": 10, "text": "not supported"}
    print(json.dumps({"src": name, "dest": message["src"], "body": reply}), flush=True)
