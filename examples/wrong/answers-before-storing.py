#!/usr/bin/env python3
"""A set in lin-kv that answers at once, and stores the element afterwards."""

import sys

from kolknode import KeyValue, Node, RpcError

node = Node()
store = KeyValue(node, "lin-kv")


async def current():
    try:
        return await store.read("set")
    except RpcError as error:
        if error.code != 20:
            raise
        return []


async def keep(element):
    try:
        before = await current()
        await store.cas("set", before, before + [element], create=True)
    except RpcError as error:
        print(f"{element} was not stored: {error}", file=sys.stderr)


@node.on("add")
async def add(body, src):
    node.spawn(keep(body["element"]))
    return {"type": "add_ok"}


@node.on("read")
async def read(body, src):
    return {"type": "read_ok", "value": await current()}


node.run()
