#!/usr/bin/env python3
"""A key-value store that writes through to lin-kv, and answers reads from what it saw last."""

from kolknode import KeyValue, Node

node = Node()
store = KeyValue(node, "lin-kv")
copy = {}


@node.on("read")
async def read(body, src):
    key = body["key"]
    if key not in copy:
        copy[key] = await store.read(key)
    return {"type": "read_ok", "value": copy[key]}


@node.on("write")
async def write(body, src):
    await store.write(body["key"], body["value"])
    copy[body["key"]] = body["value"]
    return {"type": "write_ok"}


@node.on("cas")
async def cas(body, src):
    await store.cas(body["key"], body["from"], body["to"])
    copy[body["key"]] = body["to"]
    return {"type": "cas_ok"}


node.run()
