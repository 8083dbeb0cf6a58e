#!/usr/bin/env python3
"""A linearizable store: every request is one request to the service lin-kv."""

from kolknode import KeyValue, Node

node = Node()
store = KeyValue(node, "lin-kv")


@node.on("read")
async def read(body, src):
    return {"type": "read_ok", "value": await store.read(body["key"])}


@node.on("write")
async def write(body, src):
    await store.write(body["key"], body["value"])
    return {"type": "write_ok"}


@node.on("cas")
async def cas(body, src):
    await store.cas(body["key"], body["from"], body["to"])
    return {"type": "cas_ok"}


node.run()
