#!/usr/bin/env python3
"""An echo node that keeps the request in one place, and answers a little later."""

from kolknode import Node

node = Node()
request = None


@node.on("echo")
async def echo(body, src):
    global request
    request = body
    await node.sleep(0.05)  # as if it were written to a disk first
    return {"type": "echo_ok", "echo": request["echo"]}


node.run()
