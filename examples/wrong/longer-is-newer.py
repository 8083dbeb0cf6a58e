#!/usr/bin/env python3
"""A set whose nodes send one another their whole state, and keep the longer one."""

from kolknode import Node

node = Node()
elements = set()


async def gossip():
    while True:
        await node.sleep(0.2)
        for peer in node.ids:
            if peer != node.id:
                node.send(peer, {"type": "state", "elements": sorted(elements)})


@node.on("init")
async def init(body, src):
    node.spawn(gossip())


@node.on("state")
async def state(body, src):
    global elements
    if len(body["elements"]) > len(elements):
        elements = set(body["elements"])


@node.on("add")
async def add(body, src):
    elements.add(body["element"])
    return {"type": "add_ok"}


@node.on("read")
async def read(body, src):
    return {"type": "read_ok", "value": sorted(elements)}


node.run()
