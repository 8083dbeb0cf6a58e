#!/usr/bin/env python3
"""The echo node: what it is told comes back."""

from kolknode import Node

node = Node()


@node.on("echo")
async def echo(body, src):
    return {"type": "echo_ok", "echo": body["echo"]}


if __name__ == "__main__":
    node.run()
