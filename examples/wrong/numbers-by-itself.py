#!/usr/bin/env python3
"""A log that every node keeps and numbers by itself."""

from kolknode import Node

node = Node()
logs, committed = {}, {}


@node.on("send")
async def send(body, src):
    log = logs.setdefault(body["key"], [])
    log.append(body["msg"])
    return {"type": "send_ok", "offset": len(log) - 1}


@node.on("poll")
async def poll(body, src):
    msgs = {}
    for key, first in body["offsets"].items():
        found = list(enumerate(logs.get(key, [])))[first:]
        msgs[key] = [[offset, message] for offset, message in found]
    return {"type": "poll_ok", "msgs": msgs}


@node.on("commit_offsets")
async def commit_offsets(body, src):
    for key, offset in body["offsets"].items():
        committed[key] = max(offset, committed.get(key, 0))
    return {"type": "commit_offsets_ok"}


@node.on("list_committed_offsets")
async def list_committed_offsets(body, src):
    offsets = {key: committed[key] for key in body["keys"] if key in committed}
    return {"type": "list_committed_offsets_ok", "offsets": offsets}


node.run()
