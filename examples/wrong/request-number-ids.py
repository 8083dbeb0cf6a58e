#!/usr/bin/env python3
"""Ids from the node's name and the number of the request."""

from kolknode import Node

node = Node()


@node.on("generate")
async def generate(body, src):
    return {"type": "generate_ok", "id": f"{node.id}-{body['msg_id']}"}


node.run()
