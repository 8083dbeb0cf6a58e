#!/usr/bin/env python3
"""Lists on one node. Transactions run on a snapshot; the first of those that write a list wins."""

from kolknode import Node, RpcError

node = Node()
lists = {}


@node.on("txn")
async def txn(body, src):
    snapshot = {key: list(lists.get(key, [])) for _, key, _ in body["txn"]}
    await node.sleep(node.random.random() / 50)  # as if a disk turned
    copies, done, written = {}, [], set()
    for function, key, value in body["txn"]:
        copy = copies.setdefault(key, list(snapshot[key]))
        if function == "r":
            value = list(copy)
        else:
            copy.append(value)
            written.add(key)
        done.append([function, key, value])
    checked = written
    if any(lists.get(key, []) != snapshot[key] for key in checked):
        raise RpcError(30, "somebody else was faster")
    lists.update({key: copies[key] for key in written})
    return {"type": "txn_ok", "txn": done}


node.run()
