#!/usr/bin/env python3
"""A counter whose nodes tell each other every add, again and again until it is heard."""

import itertools

from kolknode import Node

node = Node()
numbers = itertools.count()
total = 0


@node.on("add")
async def add(body, src):
    global total
    total += body["delta"]
    tell = {"type": "tell", "delta": body["delta"], "number": next(numbers)}
    for peer in node.ids:
        if peer != node.id:
            node.spawn(node.retry(peer, tell))
    return {"type": "add_ok"}


@node.on("tell")
async def tell(body, src):
    global total
    total += body["delta"]
    return {"type": "tell_ok"}


@node.on("read")
async def read(body, src):
    return {"type": "read_ok", "value": total}


node.run()
