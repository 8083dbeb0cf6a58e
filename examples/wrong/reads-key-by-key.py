#!/usr/bin/env python3
"""Lists on one node. Writers take one step; who only reads looks up list after list."""

from kolknode import Node

node = Node()
lists = {}


@node.on("txn")
async def txn(body, src):
    writes = any(function == "append" for function, _, _ in body["txn"])
    done, seen = [], {}
    for function, key, value in body["txn"]:
        if function == "append":
            lists.setdefault(key, []).append(value)
        elif writes:
            value = list(lists.get(key, []))
        else:
            if key not in seen:
                await node.sleep(node.random.random() / 50)  # as if a disk turned
                seen[key] = list(lists.get(key, []))
            value = list(seen[key])
        done.append([function, key, value])
    return {"type": "txn_ok", "txn": done}


node.run()
