#!/usr/bin/env python3
"""The echo node in plain Python, for any clock.

On the real clock it is an ordinary Maelstrom node. When `init` offers lockstep, it accepts, and
ends its reaction to every line with one `idle`: then it runs on virtual time as well.

    cargo kolk test -w echo --bin examples/python/echo.py --node-count 1 --time-limit 10
    cargo kolk test -w echo --bin examples/python/echo.py --node-count 1 --time-limit 10 --clock virtual
"""

import json
import sys


class Node:
    def __init__(self):
        self.name = None
        self.lockstep = False

    def send(self, dest, body):
        message = {"src": self.name, "dest": dest, "body": body}
        sys.stdout.write(json.dumps(message) + "\n")

    def reply(self, request, body):
        body["in_reply_to"] = request["body"]["msg_id"]
        self.send(request["src"], body)

    def handle(self, message):
        body = message["body"]
        kind = body["type"]
        if kind == "init":
            self.name = body["node_id"]
            answer = {"type": "init_ok"}
            if body.get("lockstep", {}).get("version") == 1:
                # `body["lockstep"]["seed"]` is what randomness would have to be drawn from.
                self.lockstep = True
                answer["lockstep"] = {"version": 1}
            self.reply(message, answer)
        elif kind == "echo":
            self.reply(message, {"type": "echo_ok", "echo": body["echo"]})
        elif kind == "wake":
            pass  # It never asks to be woken.
        elif "msg_id" in body:
            self.reply(message, {"type": "error", "code": 10, "text": f"unknown type {kind}"})

    def run(self):
        for line in sys.stdin:
            self.handle(json.loads(line))
            if self.lockstep:
                # Virtual time is `message["at"]`; a timer's deadline would go into `wake_at`.
                self.send("clock", {"type": "idle", "wake_at": None})
            sys.stdout.flush()


if __name__ == "__main__":
    Node().run()
