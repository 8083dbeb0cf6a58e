#!/usr/bin/env python3
"""Registers on all nodes: a transaction runs where it comes to; the greater stamp wins."""

from kolknode import Node, RpcError

node = Node()
registers = {}  # For each key its value, and the stamp of the transaction that wrote it.
clock = 0
unheard = {}


def apply(writes, stamp):
    global clock
    clock = max(clock, stamp[0])
    for key, value in writes:
        if key not in registers or stamp > registers[key][1]:
            registers[key] = value, stamp


@node.on("txn")
async def txn(body, src):
    done, writes = [], {}
    for function, key, value in body["txn"]:
        if function == "w":
            writes[key] = value
        elif key in writes:
            value = writes[key]
        elif key in registers:
            value = registers[key][0]
        done.append([function, key, value])
    if writes:
        stamp = [clock + 1, node.id]
        apply(writes.items(), stamp)
        for transactions in unheard.values():
            transactions.append([list(writes.items()), stamp])
    return {"type": "txn_ok", "txn": done}


async def deliver(peer):
    while True:
        await node.sleep(0.1)
        batch = list(unheard[peer])
        if not batch:
            continue
        try:
            await node.rpc(peer, {"type": "tell", "transactions": batch})
            del unheard[peer][: len(batch)]
        except RpcError:
            pass  # It is told again with the next batch.


@node.on("init")
async def init(body, src):
    for peer in node.ids:
        if peer != node.id:
            unheard[peer] = []
            node.spawn(deliver(peer))


@node.on("tell")
async def tell(body, src):
    for writes, stamp in body["transactions"]:
        apply(writes, stamp)
    return {"type": "tell_ok"}


node.run()
