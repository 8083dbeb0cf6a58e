#!/usr/bin/env python3
"""A broadcast that tells its neighbours what it is told by clients, until they have heard."""

from kolknode import Node

node = Node()
values, neighbours = set(), []


@node.on("topology")
async def topology(body, src):
    neighbours[:] = body["topology"][node.id]
    return {"type": "topology_ok"}


def pass_on(value):
    for peer in neighbours:
        node.spawn(node.retry(peer, {"type": "tell", "message": value}))


@node.on("broadcast")
async def broadcast(body, src):
    values.add(body["message"])
    pass_on(body["message"])
    return {"type": "broadcast_ok"}


@node.on("tell")
async def tell(body, src):
    values.add(body["message"])
    return {"type": "tell_ok"}


@node.on("read")
async def read(body, src):
    return {"type": "read_ok", "messages": sorted(values)}


node.run()
