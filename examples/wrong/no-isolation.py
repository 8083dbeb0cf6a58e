#!/usr/bin/env python3
"""Lists on one node. A transaction does one thing after another, each at once for all to see."""

from kolknode import Node

node = Node()
lists = {}


@node.on("txn")
async def txn(body, src):
    done = []
    for function, key, value in body["txn"]:
        await node.sleep(node.random.random() / 50)  # as if a disk turned
        if function == "r":
            value = list(lists.get(key, []))
        else:
            lists.setdefault(key, []).append(value)
        done.append([function, key, value])
    return {"type": "txn_ok", "txn": done}


node.run()
