#!/usr/bin/env python3
"""A sum in seq-kv. A read first writes something new, so that what it sees is up to date."""

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
    await store.write(node.id, node.random.getrandbits(50))
    return {"type": "read_ok", "value": await current()}


node.run()
