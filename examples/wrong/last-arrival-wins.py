#!/usr/bin/env python3
"""Registers on all nodes: a transaction runs where it comes to; the last write to arrive wins."""

from kolknode import Node

node = Node()
registers, stamps, clock = {}, {}, 0


def apply(writes, stamp):
    global clock
    clock = max(clock, stamp[0])
    for key, value in writes:
        registers[key] = value


@node.on("txn")
async def txn(body, src):
    done, writes = [], {}
    for function, key, value in body["txn"]:
        if function == "r":
            value = writes.get(key, registers.get(key))
        else:
            writes[key] = value
        done.append([function, key, value])
    stamp = [clock + 1, node.id]
    tell = {"type": "tell", "writes": list(writes.items()), "stamp": stamp}
    apply(tell["writes"], stamp)
    for peer in node.ids:
        if peer != node.id and writes:
            node.spawn(node.retry(peer, tell))
    return {"type": "txn_ok", "txn": done}


@node.on("tell")
async def tell(body, src):
    apply(body["writes"], body["stamp"])
    return {"type": "tell_ok"}


node.run()
