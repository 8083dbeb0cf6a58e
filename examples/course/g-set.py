#!/usr/bin/env python3
"""A set that only grows, state-based: nodes send each other all they have, and join by union."""

from kolkdisk import Log
from kolknode import Node

node = Node()
elements = set()
log = None


async def gossip():
    while True:
        await node.sleep(0.2)
        peer = node.random.choice([name for name in node.ids if name != node.id])
        node.send(peer, {"type": "state", "elements": sorted(elements)})


@node.on("init")
async def init(body, src):
    global log
    log = Log(node)
    elements.update(log.values)
    if len(node.ids) > 1:
        node.spawn(gossip())


@node.on("state")
async def state(body, src):
    elements.update(body["elements"])


@node.on("add")
async def add(body, src):
    # First the disk, then everybody else.
    log.append(body["element"])
    await log.sync()
    elements.add(body["element"])
    return {"type": "add_ok"}


@node.on("read")
async def read(body, src):
    return {"type": "read_ok", "value": sorted(elements)}


node.run()
