#!/usr/bin/env python3
"""A broadcast that collects values, and tells each other node ten times a second what is new."""

from kolknode import Node, RpcError

node = Node()
values, unheard = set(), {}


async def deliver(peer):
    while True:
        await node.sleep(0.1)
        if not unheard[peer]:
            continue
        try:
            await node.rpc(peer, {"type": "tell", "messages": unheard[peer]})
            unheard[peer].clear()
        except RpcError:
            pass  # It is told again with the next batch.


@node.on("topology")
async def topology(body, src):
    for peer in node.ids:
        if peer != node.id and peer not in unheard:
            unheard[peer] = []
            node.spawn(deliver(peer))
    return {"type": "topology_ok"}


@node.on("broadcast")
async def broadcast(body, src):
    values.add(body["message"])
    for messages in unheard.values():
        messages.append(body["message"])
    return {"type": "broadcast_ok"}


@node.on("tell")
async def tell(body, src):
    values.update(body["messages"])
    return {"type": "tell_ok"}


@node.on("read")
async def read(body, src):
    return {"type": "read_ok", "messages": sorted(values)}


node.run()
