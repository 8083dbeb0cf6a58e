#!/usr/bin/env python3
"""Lists on one node. What only reads is answered from a snapshot that is taken twice a second."""

from kolknode import Node

node = Node()
lists, snapshot = {}, {}


async def take_snapshots():
    while True:
        snapshot.clear()
        snapshot.update({key: list(values) for key, values in lists.items()})
        await node.sleep(0.5)


@node.on("init")
async def init(body, src):
    node.spawn(take_snapshots())


@node.on("txn")
async def txn(body, src):
    writes = any(function == "append" for function, _, _ in body["txn"])
    state = lists if writes else snapshot
    done = []
    for function, key, value in body["txn"]:
        if function == "r":
            value = list(state.get(key, []))
        else:
            lists.setdefault(key, []).append(value)
        done.append([function, key, value])
    return {"type": "txn_ok", "txn": done}


node.run()
