#!/usr/bin/env python3
"""Ids of the node's name, a number of this life of the node, and a count."""

import itertools

from kolknode import Node

node = Node()
numbers = itertools.count()
life = None


@node.on("init")
async def init(body, src):
    global life
    life = f"{node.random.getrandbits(64):016x}"


@node.on("generate")
async def generate(body, src):
    return {"type": "generate_ok", "id": f"{node.id}-{life}-{next(numbers)}"}


node.run()
