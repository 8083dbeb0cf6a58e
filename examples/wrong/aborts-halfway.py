#!/usr/bin/env python3
"""Lists on one node. A transaction locks each list it comes to, and aborts if it is locked."""

from kolknode import Node, RpcError

node = Node()
lists, locked = {}, set()


@node.on("txn")
async def txn(body, src):
    done, mine = [], set()
    try:
        for function, key, value in body["txn"]:
            if key in locked - mine:
                raise RpcError(30, f"list {key} is locked")
            locked.add(key)
            mine.add(key)
            await node.sleep(node.random.random() / 50)  # as if a disk turned
            if function == "r":
                value = list(lists.get(key, []))
            else:
                lists.setdefault(key, []).append(value)
            done.append([function, key, value])
    finally:
        locked.difference_update(mine)
    return {"type": "txn_ok", "txn": done}


node.run()
