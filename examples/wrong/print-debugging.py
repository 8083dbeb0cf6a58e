#!/usr/bin/env python3
"""An echo node that tells what it does, where only messages may stand."""

from kolknode import Node

node = Node()


@node.on("echo")
async def echo(body, src):
    print("echoing", body["echo"])
    return {"type": "echo_ok", "echo": body["echo"]}


node.run()
