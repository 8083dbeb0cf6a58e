#!/usr/bin/env python3
"""A set that only grows, state-based: nodes send each other all they have, and join by union."""

import os

from kolknode import Node

node = Node()
elements = set()
# A node that is killed finds this folder again, and nothing else.
folder = os.environ.get("KOLK_DATA_DIR")


def keep(element):
    """Writes it where a kill cannot reach it; only then it is acknowledged."""
    if folder:
        with open(f"{folder}/elements", "a") as file:
            file.write(f"{element}\n")


def find_again():
    if folder and os.path.exists(f"{folder}/elements"):
        with open(f"{folder}/elements") as file:
            elements.update(int(line) for line in file)


async def gossip():
    while True:
        await node.sleep(0.2)
        peer = node.random.choice([name for name in node.ids if name != node.id])
        node.send(peer, {"type": "state", "elements": sorted(elements)})


@node.on("init")
async def init(body, src):
    find_again()
    if len(node.ids) > 1:
        node.spawn(gossip())


@node.on("state")
async def state(body, src):
    elements.update(body["elements"])


@node.on("add")
async def add(body, src):
    keep(body["element"])
    elements.add(body["element"])
    return {"type": "add_ok"}


@node.on("read")
async def read(body, src):
    return {"type": "read_ok", "value": sorted(elements)}


node.run()
