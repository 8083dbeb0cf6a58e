#!/usr/bin/env python3
"""Echo by nodes that say of their state, in lockstep: every third request a node begins a new term, and
the nodes lead in turn. What they say is made up; what the report shows of it is not."""

import json
import sys

me = None
nodes = []
requests = 0


def state(**said):
    print("state " + json.dumps(said), file=sys.stderr, flush=True)


def write(dest, body):
    print(json.dumps({"src": me, "dest": dest, "body": body}))


for line in sys.stdin:
    message = json.loads(line)
    request = message["body"]
    kind = request["type"]
    answer = {"type": f"{kind}_ok"}
    if kind == "init":
        me, nodes = request["node_id"], request["node_ids"]
        if "lockstep" in request:
            answer["lockstep"] = {"version": 1}
        state(term=0, role="follower")
    elif kind == "echo":
        answer["echo"] = request["echo"]
        requests += 1
        term = requests // 3
        if requests % 3 == 0:
            state(term=term, role="candidate")
        elif requests % 3 == 1:
            leader = nodes[term % len(nodes)]
            role = "leader" if leader == me else "follower"
            state(term=term, role=role, leader=leader, commit=requests, log=[1, requests + 1])
    print(f"state {{this is none of {me}", file=sys.stderr, flush=True)
    if "msg_id" in request:
        write(message["src"], {**answer, "in_reply_to": request["msg_id"]})
    write("clock", {"type": "idle", "wake_at": None})
    sys.stdout.flush()
