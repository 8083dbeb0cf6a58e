#!/usr/bin/env python3
"""Wrong: a set that writes each element to its disk, and acknowledges it before the disk has it."""

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
    node.spawn(gossip())


@node.on("state")
async def state(body, src):
    elements.update(body["elements"])


@node.on("add")
async def add(body, src):
    log.append(body["element"])
    elements.add(body["element"])
    return {"type": "add_ok"}


@node.on("read")
async def read(body, src):
    return {"type": "read_ok", "value": sorted(elements)}


node.run()
