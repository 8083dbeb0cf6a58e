#!/usr/bin/env python3
"""A counter that goes up and down, delta-based: for each node what was added there, and taken."""

from kolkdisk import Log
from kolknode import Node, RpcError

node = Node()
counts = {}  # For each node: what was added there, what was taken away there.
log = None
heard = {}  # For each other node: what it has acknowledged.


def join(news):
    for name, (added, taken) in news.items():
        old = counts.get(name, [0, 0])
        counts[name] = [max(added, old[0]), max(taken, old[1])]


def count(delta):
    added, taken = counts.get(node.id, [0, 0])
    counts[node.id] = [added + max(delta, 0), taken + max(-delta, 0)]


async def tell(peer):
    delta = {name: pair for name, pair in counts.items() if heard[peer].get(name) != pair}
    if delta:
        try:
            await node.rpc(peer, {"type": "tell", "counts": delta})
            heard[peer].update(delta)
        except RpcError:
            pass  # It is in the next delta.


async def gossip():
    while True:
        await node.sleep(0.2)
        for peer in heard:
            node.spawn(tell(peer))


@node.on("init")
async def init(body, src):
    global log
    log = Log(node)
    for delta in log.values:
        count(delta)
    heard.update({peer: {} for peer in node.ids if peer != node.id})
    node.spawn(gossip())


@node.on("tell")
async def told(body, src):
    join(body["counts"])
    return {"type": "tell_ok"}


@node.on("add")
async def add(body, src):
    # What others have heard must not be forgotten here: first the disk, then the count.
    log.append(body["delta"])
    await log.sync()
    count(body["delta"])
    return {"type": "add_ok"}


@node.on("read")
async def read(body, src):
    return {"type": "read_ok", "value": sum(added - taken for added, taken in counts.values())}


node.run()
