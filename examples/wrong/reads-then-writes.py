#!/usr/bin/env python3
"""A counter in lin-kv: read the sum, add, write it back."""

from kolknode import KeyValue, Node, RpcError

node = Node()
store = KeyValue(node, "lin-kv")


async def current():
    try:
        return await store.read("sum")
    except RpcError as error:
        if error.code != 20:
            raise
        return 0


@node.on("add")
async def add(body, src):
    before = await current()
    await store.write("sum", before + body["delta"])
    return {"type": "add_ok"}


@node.on("read")
async def read(body, src):
    return {"type": "read_ok", "value": await current()}


node.run()
