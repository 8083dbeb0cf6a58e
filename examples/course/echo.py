#!/usr/bin/env python3
"""Echo: what comes goes back."""

from kolknode import Node

node = Node()


@node.on("echo")
async def echo(body, src):
    return {"type": "echo_ok", "echo": body["echo"]}


node.run()
