#!/usr/bin/env python3
"""A key-value store: the first node orders all updates; reads come from the copy at hand."""

from kolknode import Node, RpcError

node = Node()
version, store = 0, {}


def state(kind):
    return {"type": kind, "version": version, "store": list(store.items())}


def take(body):
    """A copy goes forward, never back."""
    global version, store
    if body["version"] > version:
        version, store = body["version"], dict(body["store"])


def perform(body):
    """Does it, and tells the others. Gives back an error's code, or 0."""
    global version
    key, is_cas = body["key"], body["type"] == "cas"
    if is_cas and key not in store:
        return 20
    if is_cas and store[key] != body["from"]:
        return 22
    version += 1
    store[key] = body["to"] if is_cas else body["value"]
    for peer in node.ids[1:]:
        node.send(peer, state("news"))
    return 0


async def update(body, src):
    if node.id == node.ids[0]:
        code = perform(body)
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
    code = perform(body["update"])
    return {**state("forward_ok"), "code": code}


@node.on("news")
async def news(body, src):
    take(body)


@node.on("read")
async def read(body, src):
    if body["key"] not in store:
        raise RpcError(20, "no such key")
    return {"type": "read_ok", "value": store[body["key"]]}


node.on("write")(update)
node.on("cas")(update)
node.run()
