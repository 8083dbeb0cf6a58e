#!/usr/bin/env python3
"""Ids from the time of day."""

from kolknode import Node

node = Node()


@node.on("generate")
async def generate(body, src):
    return {"type": "generate_ok", "id": node.now() // 1_000_000}


node.run()
