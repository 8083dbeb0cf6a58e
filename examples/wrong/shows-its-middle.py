#!/usr/bin/env python3
"""Lists on one node. Transactions that write go one by one; those that only read do not wait."""

from kolknode import Node

node = Node()
lists, waiting = {}, []


async def turn():
    """Waits until all who came before are done."""
    me = object()
    waiting.append(me)
    while waiting[0] is not me:
        await node.sleep(0.001)


@node.on("txn")
async def txn(body, src):
    writes = any(function == "append" for function, _, _ in body["txn"])
    if not writes:
        done = [["r", key, list(lists.get(key, []))] for _, key, _ in body["txn"]]
        return {"type": "txn_ok", "txn": done}
    await turn()
    done = []
    for function, key, value in body["txn"]:
        await node.sleep(node.random.random() / 50)  # as if a disk turned
        if function == "r":
            value = list(lists.get(key, []))
        else:
            lists.setdefault(key, []).append(value)
        done.append([function, key, value])
    waiting.pop(0)
    return {"type": "txn_ok", "txn": done}


node.run()
