#!/usr/bin/env python3
"""A log in lin-kv: the first node gives out offsets; a poll leaves out what is not there yet."""

from kolknode import Node, RpcError

node = Node()
ends = {}  # At the first node: the next offset of each log.


def ask_first(function):
    """The first node does it, whoever is asked."""
    async def handler(body, src):
        if node.id != node.ids[0]:
            return await node.rpc(node.ids[0], body, 4.0)
        return await function(body)
    return handler


async def look(key):
    """What is there, or None."""
    try:
        return (await node.retry("lin-kv", {"type": "read", "key": key}, 0.2))["value"]
    except RpcError as error:
        if error.code != 20:
            raise


async def keep(key, value):
    await node.retry("lin-kv", {"type": "write", "key": key, "value": value})


def slot(key, offset):
    return f"{key}/{offset}"


async def send(body):
    key = body["key"]
    offset = ends.get(key, 0)
    ends[key] = offset + 1
    await keep(slot(key, offset), body["msg"])
    return {"type": "send_ok", "offset": offset}


async def poll(body):
    msgs = {}
    for key, first in body["offsets"].items():
        msgs[key] = []
        for offset in range(first, min(first + 4, ends.get(key, 0))):
            message = await look(slot(key, offset))
            if message is None:
                continue
            msgs[key].append([offset, message])
    return {"type": "poll_ok", "msgs": msgs}


async def commit_offsets(body):
    for key, offset in body["offsets"].items():
        await keep(f"committed/{key}", offset)
    return {"type": "commit_offsets_ok"}


async def list_committed_offsets(body):
    found = {key: await look(f"committed/{key}") for key in body["keys"]}
    offsets = {key: offset for key, offset in found.items() if offset is not None}
    return {"type": "list_committed_offsets_ok", "offsets": offsets}


for function in (send, poll, commit_offsets, list_committed_offsets):
    node.on(function.__name__)(ask_first(function))
node.run()
