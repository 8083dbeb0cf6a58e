#!/usr/bin/env python3
"""Lists on one node. A transaction works on copies of the lists, and writes them back at its end."""

from kolknode import Node

node = Node()
lists = {}


@node.on("txn")
async def txn(body, src):
    copies = {key: list(lists.get(key, [])) for _, key, _ in body["txn"]}
    await node.sleep(node.random.random() / 50)  # as if a disk turned
    done, written = [], set()
    for function, key, value in body["txn"]:
        if function == "r":
            value = list(copies[key])
        else:
            copies[key].append(value)
            written.add(key)
        done.append([function, key, value])
    lists.update({key: copies[key] for key in written})
    return {"type": "txn_ok", "txn": done}


node.run()
