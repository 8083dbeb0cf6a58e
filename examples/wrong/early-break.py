#!/usr/bin/env python3
"""A log in lin-kv: a counter for each key gives out offsets; a poll ends at the first free one."""

from kolknode import KeyValue, Node, RpcError

node = Node()
store = KeyValue(node, "lin-kv")


async def look(key):
    """What is there, or None. To ask twice does no harm."""
    try:
        return (await node.retry("lin-kv", {"type": "read", "key": key}, 0.2))["value"]
    except RpcError as error:
        if error.code != 20:
            raise


def slot(key, offset):
    return f"{key}/{offset}"


async def next_offset(key):
    while True:
        count = await look(key) or 0
        try:
            await store.cas(key, count, count + 1, create=True)
            return count
        except RpcError as error:
            if error.code not in (0, 22):
                raise


@node.on("send")
async def send(body, src):
    offset = await next_offset(body["key"])
    await store.write(slot(body["key"], offset), body["msg"])
    return {"type": "send_ok", "offset": offset}


@node.on("poll")
async def poll(body, src):
    msgs = {}
    for key, offset in body["offsets"].items():
        msgs[key] = []
        while len(msgs[key]) < 4:
            message = await look(slot(key, offset))
            if message is None:
                break
            msgs[key].append([offset, message])
            offset += 1
    return {"type": "poll_ok", "msgs": msgs}


@node.on("commit_offsets")
async def commit_offsets(body, src):
    for key, offset in body["offsets"].items():
        await store.write(f"committed/{key}", offset)
    return {"type": "commit_offsets_ok"}


@node.on("list_committed_offsets")
async def list_committed_offsets(body, src):
    found = {key: await look(f"committed/{key}") for key in body["keys"]}
    offsets = {key: offset for key, offset in found.items() if offset is not None}
    return {"type": "list_committed_offsets_ok", "offsets": offsets}


node.run()
