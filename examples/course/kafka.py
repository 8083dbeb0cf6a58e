#!/usr/bin/env python3
"""Logs with one owner, the first node: whoever is asked asks that one."""

from kolknode import Node

node = Node()
logs, committed = {}, {}


def by_the_owner(function):
    async def handler(body, src):
        if node.id != node.ids[0]:
            return await node.rpc(node.ids[0], body)
        return function(body)

    node.on(function.__name__)(handler)


@by_the_owner
def send(body):
    log = logs.setdefault(body["key"], [])
    log.append(body["msg"])
    return {"type": "send_ok", "offset": len(log) - 1}


@by_the_owner
def poll(body):
    msgs = {}
    for key, first in body["offsets"].items():
        messages = logs.get(key, [])[first : first + 100]
        msgs[key] = [[first + place, message] for place, message in enumerate(messages)]
    return {"type": "poll_ok", "msgs": msgs}


@by_the_owner
def commit_offsets(body):
    for key, offset in body["offsets"].items():
        committed[key] = max(offset, committed.get(key, 0))
    return {"type": "commit_offsets_ok"}


@by_the_owner
def list_committed_offsets(body):
    offsets = {key: committed[key] for key in body["keys"] if key in committed}
    return {"type": "list_committed_offsets_ok", "offsets": offsets}


node.run()
