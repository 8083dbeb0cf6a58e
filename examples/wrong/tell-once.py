#!/usr/bin/env python3
"""A broadcast that tells every value to every other node, once."""

from kolknode import Node

node = Node()
values = set()


@node.on("topology")
async def topology(body, src):
    return {"type": "topology_ok"}


@node.on("broadcast")
async def broadcast(body, src):
    values.add(body["message"])
    for peer in node.ids:
        if peer != node.id:
            node.send(peer, {"type": "tell", "message": body["message"]})
    return {"type": "broadcast_ok"}


@node.on("tell")
async def tell(body, src):
    values.add(body["message"])
    return {"type": "tell_ok"}


@node.on("read")
async def read(body, src):
    return {"type": "read_ok", "messages": sorted(values)}


node.run()
