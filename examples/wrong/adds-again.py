#!/usr/bin/env python3
"""A counter in lin-kv that tries an add again when no answer comes."""

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
    while True:
        try:
            before = await current()
            await store.cas("sum", before, before + body["delta"], create=True)
            return {"type": "add_ok"}
        except RpcError as error:
            if error.code not in (0, 22):
                raise


@node.on("read")
async def read(body, src):
    return {"type": "read_ok", "value": await current()}


node.run()
