#!/usr/bin/env python3
"""A sum in seq-kv. The first node reads for all, and writes something new before it does."""

from kolknode import KeyValue, Node, RpcError

node = Node()
store = KeyValue(node, "seq-kv")
reads = 0


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
        except RpcError as error:
            if error.code != 22:
                raise
            await node.sleep(0.01)
            continue
        return {"type": "add_ok"}


@node.on("read")
async def read(body, src):
    global reads
    if node.id != node.ids[0]:
        return await node.rpc(node.ids[0], body)
    reads += 1
    await store.write(node.id, reads)
    return {"type": "read_ok", "value": await current()}


node.run()
