#!/usr/bin/env python3
"""A broadcast that tells every value to every other node, once: what a partition swallows is lost."""

from kolknode import Node

node = Node()
values = []


@node.on("topology")
async def topology(body, src):
    return {"type": "topology_ok"}


@node.on("broadcast")
async def broadcast(body, src):
    if body["message"] not in values:
        values.append(body["message"])
        for peer in node.ids:
            if peer != node.id:
                node.send(peer, {"type": "forward", "message": body["message"]})
    return {"type": "broadcast_ok"}


@node.on("forward")
async def forward(body, src):
    if body["message"] not in values:
        values.append(body["message"])


@node.on("read")
async def read(body, src):
    return {"type": "read_ok", "messages": values}


node.run()
