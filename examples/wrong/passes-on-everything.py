#!/usr/bin/env python3
"""A broadcast that passes on whatever it hears."""

from kolknode import Node

node = Node()
values, neighbours = set(), []


@node.on("topology")
async def topology(body, src):
    neighbours[:] = body["topology"][node.id]
    return {"type": "topology_ok"}


def learn(value, sender):
    values.add(value)
    for peer in neighbours:
        if peer != sender:
            node.send(peer, {"type": "tell", "message": value})


@node.on("broadcast")
async def broadcast(body, src):
    learn(body["message"], src)
    return {"type": "broadcast_ok"}


@node.on("tell")
async def tell(body, src):
    learn(body["message"], src)


@node.on("read")
async def read(body, src):
    return {"type": "read_ok", "messages": sorted(values)}


node.run()
