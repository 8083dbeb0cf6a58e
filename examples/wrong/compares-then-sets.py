#!/usr/bin/env python3
"""A key-value store over lin-kv that compares and sets in two steps."""

from kolknode import KeyValue, Node, RpcError

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
    value = await store.read(body["key"])
    if value != body["from"]:
        raise RpcError(22, f"{value} is not {body['from']}")
    await store.write(body["key"], body["to"])
    return {"type": "cas_ok"}


node.run()
