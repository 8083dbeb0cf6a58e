#!/usr/bin/env python3
"""An echo node that keeps to the protocol, but for the fault that its argument names."""

import json
import os
import sys

FAULT = sys.argv[1]


def write(text):
    os.write(1, text.encode())


def send(message, body, dest=None):
    source = "n2" if FAULT == "foreign" else "n1"
    line = json.dumps({"src": source, "dest": dest or message["src"], "body": body})
    if FAULT == "unflushed":
        sys.stdout.write(line + "\n")
    else:
        write(line + "\n")


def handle(message, memory):
    body = message["body"]
    kind, number = body["type"], body.get("msg_id")
    if FAULT == "strict keys" and set(body) - {
        "type",
        "msg_id",
        "echo",
        "node_id",
        "node_ids",
        "lockstep",
    }:
        sys.exit("what is that?")
    if FAULT == "zero is none" and not number:
        return
    reply = {"type": kind + "_ok", "in_reply_to": number}
    if kind == "echo":
        reply["echo"] = body["echo"]
    elif kind == "init" and FAULT == "other reply":
        reply["type"] = "ok"
    elif kind == "init" and FAULT in ("no idle", "lockstep") and "lockstep" in body:
        memory["lockstep"] = True
        reply["lockstep"] = {"version": 1}
    elif kind != "init":
        if FAULT == "silent on unknown":
            return
        reply = {"type": "error", "in_reply_to": number, "code": 10, "text": "unknown"}
    if FAULT == "one asker":
        # It takes a number for a request, whoever sent it.
        memory.setdefault(number, message["src"])
        send(message, reply, memory[number])
    else:
        send(message, reply)
    if FAULT == "twice" and kind == "echo":
        send(message, reply)
    if FAULT == "unfinished" and kind == "echo":
        write('{"src":"n1",' if not memory.get("unfinished") else "")
        memory["unfinished"] = True


def main():
    if FAULT == "ends at once":
        return
    if FAULT == "log":
        write("listening\n")
    rest, memory = b"", {}
    while True:
        data = os.read(0, 1 << 16)
        if not data:
            break
        rest += data
        if FAULT == "short lines" and len(rest) > 1 << 16:
            rest = b""
        while b"\n" in rest:
            line, rest = rest.split(b"\n", 1)
            try:
                message = json.loads(line)
                message["body"]["type"]
            except (ValueError, KeyError, TypeError):
                if FAULT == "brittle":
                    raise
                continue
            if FAULT != "silent":
                handle(message, memory)
            if FAULT == "chatty" and message["body"]["type"] == "init":
                send(message, {"type": "heartbeat"}, "n2")
            if memory.get("lockstep") and FAULT == "lockstep":
                send(message, {"type": "idle", "wake_at": None}, "clock")
            if FAULT == "one per read":
                rest = b""
    if FAULT == "never ends":
        while True:
            os.read(os.pipe()[0], 1)
    sys.exit(3 if FAULT == "status 3" else 0)


main()
