#!/usr/bin/env python3
"""Wrong: a store whose leader is the first node that is heard, and that needs no majority."""

from kolknode import Node, RpcError

node = Node()
version, registers = 0, {}
heard_at = {}  # When each other node was last heard.


def leader():
    recently = node.now() - 1_000_000_000
    alive = [name for name, at in heard_at.items() if at >= recently]
    return min([node.id, *alive])


async def beat():
    while True:
        for peer in node.ids:
            if peer != node.id:
                node.send(peer, {"type": "state", **state()})
        await node.sleep(0.2)


def state():
    return {"version": version, "registers": list(registers.items())}


@node.on("init")
async def init(body, src):
    heard_at.update({peer: 0 for peer in node.ids if peer != node.id})
    node.spawn(beat())


@node.on("state")
async def take(body, src):
    global version, registers
    heard_at[src] = node.now()
    if src == leader() and body["version"] > version:
        version, registers = body["version"], dict(body["registers"])


@node.on("command")
async def command(body, src):
    global version
    request = body["command"]
    key, kind = request["key"], request["type"]
    if kind != "write" and key not in registers:
        raise RpcError(20, "there is no such key")
    if kind == "read":
        return {"type": "read_ok", "value": registers[key]}
    if kind == "cas" and registers[key] != request["from"]:
        raise RpcError(22, f"it is {registers[key]}")
    version += 1
    registers[key] = request["value"] if kind == "write" else request["to"]
    return {"type": f"{kind}_ok"}


async def ask(body, src):
    request = {"command": {key: what for key, what in body.items() if key != "msg_id"}}
    if leader() == node.id:
        return await command(request, src)
    return await node.rpc(leader(), {"type": "command", **request})


for kind in ["read", "write", "cas"]:
    node.on(kind)(ask)
node.run()
