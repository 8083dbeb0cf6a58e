#!/usr/bin/env python3
"""A key-value store: the first node orders all updates; reads come from the copy at hand."""

from kolkdisk import Log
from kolknode import Node, RpcError

node = Node()
version, store = 0, {}
is_ready = False  # A copy that was started again knows nothing until it has asked.
log = None
# At the first node: what its disk may not have yet, in order, and the store with it.
pending, ordered = [], {}


def is_first():
    return node.id == node.ids[0]


@node.on("init")
async def init(body, src):
    global is_ready, log, version
    if is_first():
        log = Log(node)
        store.update(log.values)
        ordered.update(store)
        version = len(log.values)
    else:
        take(await node.retry(node.ids[0], {"type": "current"}))
    is_ready = True


def state(kind):
    return {"type": kind, "version": version, "store": list(store.items())}


def take(body):
    """A copy goes forward, never back."""
    global version, store
    if body["version"] > version:
        version, store = body["version"], dict(body["store"])


async def perform(body):
    """Orders it, and tells the others when the disk has it. Gives back an error's code, or 0."""
    key, is_cas = body["key"], body["type"] == "cas"
    code = 0
    if is_cas and key not in ordered:
        code = 20
    elif is_cas and ordered[key] != body["from"]:
        code = 22
    else:
        ordered[key] = body["to"] if is_cas else body["value"]
        pending.append([key, ordered[key]])
        log.append(pending[-1])
    number = version + len(pending)
    # A refusal, too, rests on what may not be on the disk yet.
    await log.sync()
    show(number)
    return code


def show(number):
    """Lets everybody see all updates up to this one."""
    global version
    before = version
    while version < number:
        key, value = pending.pop(0)
        store[key] = value
        version += 1
    if version > before:
        for peer in node.ids[1:]:
            node.send(peer, state("news"))


async def update(body, src):
    if is_first():
        code = await perform(body)
    else:
        # The answer brings the state in which the update was done, or refused.
        reply = await node.rpc(node.ids[0], {"type": "forward", "update": body})
        take(reply)
        code = reply["code"]
    if code:
        raise RpcError(code, "there is something else")
    return {"type": body["type"] + "_ok"}


@node.on("forward")
async def forward(body, src):
    code = await perform(body["update"])
    return {**state("forward_ok"), "code": code}


@node.on("current")
async def current(body, src):
    return state("current_ok")


@node.on("news")
async def news(body, src):
    take(body)


@node.on("read")
async def read(body, src):
    if not is_ready:
        raise RpcError(11, "this copy may be older than what was read here before")
    if body["key"] not in store:
        raise RpcError(20, "no such key")
    return {"type": "read_ok", "value": store[body["key"]]}


node.on("write")(update)
node.on("cas")(update)
node.run()
