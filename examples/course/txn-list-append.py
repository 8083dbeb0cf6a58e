#!/usr/bin/env python3
"""Lists in lin-kv, all under one key: a transaction takes place when its compare-and-set does."""

from kolknode import KeyValue, Node, RpcError

node = Node()
store = KeyValue(node, "lin-kv")


async def current():
    try:
        return await store.read("lists")
    except RpcError as error:
        if error.code != 20:
            raise
        return {}


def run(operations, lists):
    """What the transaction answers, and the lists after it."""
    lists = {key: list(values) for key, values in lists.items()}
    done = []
    for function, key, value in operations:
        values = lists.setdefault(str(key), [])
        if function == "append":
            values.append(value)
        else:
            value = list(values)
        done.append([function, key, value])
    return done, lists


@node.on("txn")
async def txn(body, src):
    for _ in range(8):
        before = await current()
        done, after = run(body["txn"], before)
        if all(function == "r" for function, _, _ in body["txn"]):
            return {"type": "txn_ok", "txn": done}
        try:
            await store.cas("lists", before, after, create=True)
            return {"type": "txn_ok", "txn": done}
        except RpcError as error:
            if error.code != 22:
                raise
    raise RpcError(30, "others were faster eight times")


node.run()
