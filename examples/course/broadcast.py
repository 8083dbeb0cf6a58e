#!/usr/bin/env python3
"""Broadcast: each node tells all others what it was told, in batches, until they have heard."""

from kolknode import Node, RpcError

PERIOD = 0.4  # seconds: a longer one saves messages, a shorter one saves time

node = Node()
values, unheard = set(), {}


async def deliver(peer):
    batch = list(unheard[peer])
    try:
        await node.rpc(peer, {"type": "tell", "messages": batch})
        unheard[peer].difference_update(batch)
    except RpcError:
        pass  # It is told again with the next batch.


async def deliver_all():
    while True:
        await node.sleep(PERIOD)
        for peer in unheard:
            if unheard[peer]:
                node.spawn(deliver(peer))


@node.on("init")
async def init(body, src):
    unheard.update({peer: set() for peer in node.ids if peer != node.id})
    node.spawn(deliver_all())


@node.on("topology")
async def topology(body, src):
    return {"type": "topology_ok"}


@node.on("broadcast")
async def broadcast(body, src):
    values.add(body["message"])
    for messages in unheard.values():
        messages.add(body["message"])
    return {"type": "broadcast_ok"}


@node.on("tell")
async def tell(body, src):
    values.update(body["messages"])
    return {"type": "tell_ok"}


@node.on("read")
async def read(body, src):
    return {"type": "read_ok", "messages": sorted(values)}


node.run()
