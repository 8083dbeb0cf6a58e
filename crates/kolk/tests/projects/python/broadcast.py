#!/usr/bin/env python3
"""Tells every value to every node, again and again until each has heard."""

from kolknode import Node

node = Node()
values = []


def learn(value):
    if value in values:
        return
    values.append(value)
    for peer in node.ids:
        if peer != node.id:
            node.spawn(node.retry(peer, {"type": "gossip", "message": value}))


@node.on("topology")
async def topology(body, src):
    return {"type": "topology_ok"}


@node.on("broadcast")
async def broadcast(body, src):
    learn(body["message"])
    return {"type": "broadcast_ok"}


@node.on("gossip")
async def gossip(body, src):
    learn(body["message"])
    return {"type": "gossip_ok"}


@node.on("read")
async def read(body, src):
    return {"type": "read_ok", "messages": values}


node.run()
