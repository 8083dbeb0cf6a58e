#!/usr/bin/env -S python3 -S -E
"""A broadcast node, broken as its first argument says. It speaks lockstep."""
import json
import sys

bug = sys.argv[1] if len(sys.argv) > 1 else ""
me, peers, now = None, [], 0
values, unheard, lockstep = [], {}, False
RETRY = 200_000_000


def write(dest, body):
    print(json.dumps({"src": me, "dest": dest, "body": body}), flush=True)


def reply(message, body):
    write(message["src"], dict(body, in_reply_to=message["body"]["msg_id"]))


def hear(value, sender):
    is_new = value not in values
    if is_new or bug == "duplicates":
        values.append(value)
    if not is_new:
        return
    if bug == "no-relay" and sender in peers:
        return
    for peer in peers:
        # Without that flaw everybody is told by whoever heard it first.
        if bug == "no-relay" and peers.index(peer) > 0:
            continue
        if peer != sender:
            told = value + 1_000_000 if bug == "garbles" and value % 4 == 2 else value
            write(peer, {"type": "tell", "value": told})
            if bug != "no-retry":
                unheard[(peer, told)] = now + RETRY


def wake():
    for (peer, value), due in list(unheard.items()):
        if due <= now:
            write(peer, {"type": "tell", "value": value})
            unheard[(peer, value)] = now + RETRY


def handle(message):
    global me, peers, lockstep
    body, src = message["body"], message["src"]
    kind = body["type"]
    if kind == "init":
        me = body["node_id"]
        peers = [name for name in body["node_ids"] if name != me]
        # Never gets ready: in any cluster of several, or under one seed of eight.
        drawn = body.get("lockstep", {}).get("seed", "f")
        is_late = peers and me == "n0" and (bug == "late" or drawn[-1] in "01")
        if bug.startswith("late") and is_late:
            sys.stdin.read()
        lockstep = "lockstep" in body
        answer = {"type": "init_ok"}
        reply(message, dict(answer, lockstep={"version": 1}) if lockstep else answer)
    elif kind == "topology":
        reply(message, {"type": "topology_ok"})
    elif kind == "broadcast":
        if not (bug == "forgets" and body["message"] % 3 == 1):
            hear(body["message"], src)
        reply(message, {"type": "broadcast_ok"})
    elif kind == "read":
        reply(message, {"type": "read_ok", "messages": values})
    elif kind == "tell":
        hear(body["value"], src)
        write(src, {"type": "told", "value": body["value"]})
    elif kind == "told":
        unheard.pop((src, body["value"]), None)
    elif kind == "wake":
        wake()


for line in sys.stdin:
    message = json.loads(line)
    now = message.get("at", now)
    handle(message)
    if lockstep:
        due = min(unheard.values(), default=None)
        body = {"type": "idle", "wake_at": due}
        print(json.dumps({"src": me, "dest": "clock", "body": body}), flush=True)
