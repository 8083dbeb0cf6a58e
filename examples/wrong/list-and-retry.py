#!/usr/bin/env python3
"""A broadcast that repeats each value until it is heard, and keeps values in a list."""

from kolknode import Node

node = Node()
values = []


def learn(value):
    values.append(value)


@node.on("topology")
async def topology(body, src):
    return {"type": "topology_ok"}


@node.on("broadcast")
async def broadcast(body, src):
    learn(body["message"])
    for peer in node.ids:
        if peer != node.id:
            node.spawn(node.retry(peer, {"type": "tell", "message": body["message"]}))
    return {"type": "broadcast_ok"}


@node.on("tell")
async def tell(body, src):
    learn(body["message"])
    return {"type": "tell_ok"}


@node.on("read")
async def read(body, src):
    return {"type": "read_ok", "messages": values}


node.run()
