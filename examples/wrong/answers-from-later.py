#!/usr/bin/env python3
"""Lists on one node. Writes take place together; what is read is looked up afterwards."""

from kolknode import Node

node = Node()
lists = {}


@node.on("txn")
async def txn(body, src):
    mine = {key for function, key, _ in body["txn"] if function == "append"}
    done = []
    for function, key, value in body["txn"]:
        if function == "append":
            lists.setdefault(key, []).append(value)
        elif key in mine:
            value = list(lists.get(key, []))
        done.append([function, key, value])
    for operation in done:
        if operation[0] == "r" and operation[1] not in mine:
            await node.sleep(node.random.random() / 50)  # as if a disk turned
            operation[2] = list(lists.get(operation[1], []))
    return {"type": "txn_ok", "txn": done}


node.run()
