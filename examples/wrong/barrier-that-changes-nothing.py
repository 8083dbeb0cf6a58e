#!/usr/bin/env python3
"""A counter in seq-kv. Before a read it compares and sets the sum to what it is, as a barrier."""

from kolknode import KeyValue, Node, RpcError

node = Node()
store = KeyValue(node, "seq-kv")


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
        before = await current()
        try:
            await store.cas("sum", before, before + body["delta"], create=True)
            return {"type": "add_ok"}
        except RpcError as error:
            if error.code != 22:
                raise


@node.on("read")
async def read(body, src):
    while True:
        value = await current()
        try:
            await store.cas("sum", value, value, create=True)
            return {"type": "read_ok", "value": value}
        except RpcError as error:
            if error.code != 22:
                raise


node.run()
