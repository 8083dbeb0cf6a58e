#!/usr/bin/env python3
"""A store by Raft, on the nodes alone: registers for `lin-kv`, lists for `txn-list-append`.

What a node must know again stands in its log's file and is synced before anybody hears of it. Reads
go through the log as everything else does. There are no snapshots, and members stay who they are."""

import json
import sys

from kolkdisk import Log
from kolknode import Node, RpcError

node = Node()
disk = None
term, vote = 0, None
log = [[0, None]]  # Entries, each a term and a command. The first is there in every log.
role, leader = "follower", None
heard = 0  # How often there was a reason to wait before standing for leader.
committed = applied = 0
synced = 0  # Up to where a leader's own log is safe.
next_index, matched = {}, {}  # For each follower: what it gets next, and what it is known to have.
waiting = {}  # For each entry of a leader: whom to answer.
registers, lists = {}, {}


@node.on("init")
async def init(body, src):
    global disk, term, vote
    disk = Log(node)
    for kind, *what in disk.values:
        if kind == "term":
            term, vote = what
        else:
            index, entry = what
            log[index:] = [entry]
    node.spawn(watch())


async def watch():
    """Stands for leader when nobody else leads."""
    while True:
        before = heard
        await node.sleep(node.random.uniform(0.4, 0.8))
        if role != "leader" and heard == before:
            node.spawn(stand())


def enter(new_term, new_vote=None):
    """Begins a term. Whoever tells others of it has synced before."""
    global term, vote, role, leader
    if role == "leader":
        for src, number in waiting.values():
            error = {"type": "error", "code": 13, "text": "not the leader any more"}
            node.send(src, {**error, "in_reply_to": number})
        waiting.clear()
    term, vote, role, leader = new_term, new_vote, "follower", None
    disk.append(["term", term, vote])
    tell()


def tell():
    """Says what the node is, for kolk: who leads, and that nobody else does in that term."""
    state = {"term": term, "role": role, "commit": committed, "log": [1, len(log) - 1]}
    print("state " + json.dumps(state), file=sys.stderr, flush=True)


# Elections


async def stand():
    global role
    enter(term + 1, node.id)
    role, mine, votes = "candidate", term, {node.id}
    tell()
    await disk.sync()

    async def ask(peer):
        request = {"term": mine, "last": len(log) - 1, "last_term": log[-1][0]}
        try:
            reply = await node.rpc(peer, {"type": "vote", **request}, 0.3)
        except RpcError:
            return
        if reply["term"] > term:
            enter(reply["term"])
        elif reply["granted"] and role == "candidate" and term == mine:
            votes.add(peer)
            if is_majority(len(votes)):
                lead()

    if term == mine:
        for peer in others():
            node.spawn(ask(peer))


@node.on("vote")
async def on_vote(body, src):
    global vote, heard
    if body["term"] > term:
        enter(body["term"])
    is_newer = (body["last_term"], body["last"]) >= (log[-1][0], len(log) - 1)
    granted = body["term"] == term and vote in (None, src) and is_newer
    if granted:
        vote = src
        heard += 1
        disk.append(["term", term, vote])
    now = term
    await disk.sync()
    return {"type": "vote_ok", "term": now, "granted": granted}


# The leader


def lead():
    global role, leader, synced
    role, leader, synced = "leader", node.id, 0
    tell()
    for peer in others():
        next_index[peer], matched[peer] = len(log), 0
        node.spawn(replicate(peer, term))
    add(None)  # Only with an entry of its own term is anything committed.


def add(command):
    """Appends to the leader's log; gives where."""
    entry = [term, command]
    log.append(entry)
    disk.append(["entry", len(log) - 1, entry])
    node.spawn(sync(term, len(log) - 1))
    return len(log) - 1


async def sync(mine, index):
    global synced
    await disk.sync()
    if role == "leader" and term == mine:
        synced = max(synced, index)
        commit()


async def replicate(peer, mine):
    while role == "leader" and term == mine:
        before = next_index[peer] - 1
        entries = log[before + 1 : before + 101]
        request = {"term": term, "before": before, "before_term": log[before][0]}
        request.update(entries=entries, committed=committed)
        try:
            reply = await node.rpc(peer, {"type": "append", **request}, 0.2)
        except RpcError:
            continue
        if reply["term"] > term:
            enter(reply["term"])
        elif role == "leader" and term == mine:
            if reply["fits"]:
                matched[peer] = max(matched[peer], before + len(entries))
                next_index[peer] = before + len(entries) + 1
                commit()
            else:
                next_index[peer] = max(1, min(before, reply["length"]))
            if next_index[peer] == len(log):
                await node.sleep(0.03)


def commit():
    global committed
    has = sorted([synced, *matched.values()], reverse=True)
    index = has[len(node.ids) // 2]  # A majority has this, and all before it.
    if index > committed and log[index][0] == term:
        committed = index
        apply()


# Followers


@node.on("append")
async def on_append(body, src):
    global heard, leader, role, committed
    if body["term"] < term:
        return {"type": "append_ok", "term": term, "fits": False, "length": len(log)}
    if body["term"] > term:
        enter(body["term"])
    leader = src
    if role != "follower":
        role = "follower"
        tell()
    heard += 1
    mine, before = term, body["before"]
    fits = before < len(log) and log[before][0] == body["before_term"]
    if fits:
        for index, entry in enumerate(body["entries"], before + 1):
            if index == len(log) or log[index][0] != entry[0]:
                log[index:] = [entry]
                disk.append(["entry", index, entry])
    await disk.sync()
    if term != mine:
        return None  # What was said to a leader of the past is of no use to it.
    if fits:
        committed = max(committed, min(body["committed"], before + len(body["entries"])))
        apply()
    return {"type": "append_ok", "term": term, "fits": fits, "length": len(log)}


# Commands


def apply():
    global applied
    while applied < committed:
        applied += 1
        reply = perform(log[applied][1])
        if applied in waiting:
            src, number = waiting.pop(applied)
            node.send(src, {**reply, "in_reply_to": number})


def perform(command):
    if command is None:
        return {}
    if command["type"] == "txn":
        return {"type": "txn_ok", "txn": [carry_out(*operation) for operation in command["txn"]]}
    key, kind = command["key"], command["type"]
    if kind != "write" and key not in registers:
        return {"type": "error", "code": 20, "text": "there is no such key"}
    if kind == "read":
        return {"type": "read_ok", "value": registers[key]}
    if kind == "cas" and registers[key] != command["from"]:
        return {"type": "error", "code": 22, "text": f"it is {registers[key]}"}
    registers[key] = command["value"] if kind == "write" else command["to"]
    return {"type": f"{kind}_ok"}


def carry_out(function, key, value):
    if function == "append":
        lists.setdefault(key, []).append(value)
        return [function, key, value]
    return [function, key, list(lists.get(key, []))]


async def ask(body, src):
    """A request of a client: the leader answers it when it is applied."""
    command = {key: what for key, what in body.items() if key != "msg_id"}
    if role == "leader":
        waiting[add(command)] = src, body["msg_id"]
        return None
    if leader is None:
        raise RpcError(11, "there is no leader yet")
    return await node.rpc(leader, {"type": "command", "command": command}, 2)


for kind in ["read", "write", "cas", "txn"]:
    node.on(kind)(ask)


@node.on("command")
async def on_command(body, src):
    if role != "leader":
        raise RpcError(11, "not the leader")
    waiting[add(body["command"])] = src, body["msg_id"]


def others():
    return [name for name in node.ids if name != node.id]


def is_majority(count):
    return 2 * count > len(node.ids)


node.run()
