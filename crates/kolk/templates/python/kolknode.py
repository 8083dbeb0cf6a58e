"""A node on any clock. Handlers are coroutines that run until they await: state needs no locks."""

import heapq
import itertools
import json
import queue
import random
import sys
import threading
import time
import traceback
import types


class RpcError(Exception):
    """An error reply, or no reply in time (code 0: it may have happened)."""

    def __init__(self, code, text):
        super().__init__(f"error {code}: {text}")
        self.code, self.text = code, text


class Node:
    def __init__(self):
        self.id, self.ids, self.random = None, [], random.Random()
        self._handlers, self._running, self._waiting = {}, None, {}
        self._timers, self._due = {}, []  # What is called, and a heap of when.
        # Answers to a life before this one may still come, so that numbers begin anywhere.
        self._order, self._number = itertools.count(), self.random.getrandbits(32)
        self._lockstep, self._at = False, 0

    def on(self, kind):
        """Decorator. The coroutine function gets the body and who sent it, and returns the reply's
        body, or None: then nobody answers, unless it sends a body with the request's `msg_id` as
        `in_reply_to` later. That for `init` is called when the node knows its name."""
        return lambda function: self._handlers.setdefault(kind, function)

    def now(self):
        """Nanoseconds. A node in lockstep may know no other time."""
        return self._at if self._lockstep else time.monotonic_ns()

    @property
    def in_lockstep(self):
        return self._lockstep

    def send(self, dest, body):
        print(json.dumps({"src": self.id, "dest": dest, "body": body}))

    def after(self, seconds, function):
        """Calls a function later."""
        timer = (self.now() + round(seconds * 1e9), next(self._order))
        self._timers[timer] = function
        heapq.heappush(self._due, timer)
        return timer

    def _next(self):
        """The first timer that was not given up."""
        while self._due and self._due[0] not in self._timers:
            heapq.heappop(self._due)
        return self._due[0] if self._due else None

    @types.coroutine
    def sleep(self, seconds):
        coroutine = self._running
        self.after(seconds, lambda: self.spawn(coroutine))
        yield

    @types.coroutine
    def rpc(self, dest, body, seconds=1.0):
        """The reply's body. Raises RpcError for an error, or when time is up."""
        self._number += 1
        number, coroutine = self._number, self._running
        late = {"type": "error", "code": 0, "text": f"no reply from {dest} in time"}
        timer = self.after(seconds, lambda: self.spawn(coroutine, late))
        self._waiting[number] = coroutine
        self.send(dest, {**body, "msg_id": number})
        reply = yield
        self._timers.pop(timer, None)
        del self._waiting[number]
        if reply["type"] == "error":
            raise RpcError(reply["code"], reply.get("text", ""))
        return reply

    async def retry(self, dest, body, seconds=1.0):
        """An RPC again and again until it is answered: for what may happen twice."""
        while True:
            try:
                return await self.rpc(dest, body, seconds)
            except RpcError as error:
                if error.code not in (0, 11):
                    raise
            await self.sleep(seconds)

    def spawn(self, coroutine, value=None):
        """Runs a coroutine beside the others, until it awaits."""
        before, self._running = self._running, coroutine
        try:
            coroutine.send(value)
        except StopIteration:
            pass
        self._running = before

    async def _serve(self, src, body):
        try:
            if body["type"] not in self._handlers:
                raise RpcError(10, f"unknown type {body['type']}")
            reply = await self._handlers[body["type"]](body, src)
        except RpcError as error:
            reply = {"type": "error", "code": error.code, "text": error.text}
        except Exception as error:
            traceback.print_exc()
            text = "".join(traceback.format_exception_only(type(error), error)).strip()
            reply = {"type": "error", "code": 13, "text": text}
        if reply is not None and "msg_id" in body:
            self.send(src, {**reply, "in_reply_to": body["msg_id"]})

    def _take(self, message):
        src, body = message["src"], message["body"]
        self._at = message.get("at", self._at)
        if body.get("in_reply_to") in self._waiting:
            self.spawn(self._waiting[body["in_reply_to"]], body)
        elif body["type"] == "init":
            self.id, self.ids = body["node_id"], body["node_ids"]
            reply = {"type": "init_ok", "in_reply_to": body["msg_id"]}
            if "lockstep" in body:
                self._lockstep, reply["lockstep"] = True, {"version": 1}
                if "kolkdisk" in sys.modules:
                    reply["lockstep"]["storage"] = ["power"]  # What a `Log` follows.
                self._number = int(body["lockstep"]["seed"][:8], 16)
                self.random.seed(body["lockstep"]["seed"])
            self.send(src, reply)
            if "init" in self._handlers:
                self.spawn(self._serve(src, {"type": "init"}))
        elif src != "clock" and "in_reply_to" not in body:
            self.spawn(self._serve(src, body))

    def run(self):
        """Serves until the input ends."""
        lines = queue.SimpleQueue()
        threading.Thread(target=read_into, args=[lines], daemon=True).start()
        while True:
            wake_at = (self._next() or [None])[0]
            if self._lockstep:
                self.send("clock", {"type": "idle", "wake_at": wake_at})
                wake_at = None
            sys.stdout.flush()
            pause = wake_at and max(0, wake_at - self.now()) / 1e9
            try:
                line = lines.get(timeout=pause)
                if not line:
                    return
                self._take(json.loads(line))
            except queue.Empty:
                pass
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                print(f"not a message: {error!r}: {line[:200]}", file=sys.stderr)
            while self._next() and self._next()[0] <= self.now():
                self._timers.pop(self._next())()


def read_into(lines):
    for line in sys.stdin:
        lines.put(line)
    lines.put("")


class KeyValue:
    """A client of lin-kv, seq-kv or lww-kv. Error 20: no such key; 22: its value is another."""

    def __init__(self, node, service):
        self.ask = lambda **body: node.rpc(service, body)

    async def read(self, key):
        return (await self.ask(type="read", key=key))["value"]

    async def write(self, key, value):
        await self.ask(type="write", key=key, value=value)

    async def cas(self, key, old, new, create=False):
        swap = {"from": old, "to": new, "create_if_not_exists": create}
        await self.ask(type="cas", key=key, **swap)
