#!/usr/bin/env python3
"""Other people's kinds of node, a few lines each: `node.py KIND`.

What they have in common (the two clocks, `init`, timers) stands first; then each kind is a function
`KIND(node, message)` that is given every message after `init`. Most are echo nodes that do something
else on the way and answer only when that went as it goes under Maelstrom; `expect` answers with an
error otherwise, and the run, held to total availability, is then not valid.
"""
import json, os, select, sys, time


class Node:
    def __init__(self, kind):
        self.kind, self.id, self.ids, self.lockstep = kind, None, [], False
        self.now, self.wake_at, self.buffer = 0, None, b""
        self.number, self.calls, self.count = 0, {}, 0

    # Writing.
    def line(self, text):
        data = text if isinstance(text, bytes) else text.encode()
        sys.stdout.buffer.write(data + b"\n")
        sys.stdout.buffer.flush()

    def message(self, dest, body, **keys):
        return dict({"src": self.id, "dest": dest, "body": body}, **keys)

    def send(self, dest, body, **keys):
        self.line(json.dumps(self.message(dest, body, **keys)))

    def reply(self, message, **body):
        self.send(message["src"], dict(body, in_reply_to=message["body"]["msg_id"]))

    def echo(self, message):
        self.reply(message, type="echo_ok", echo=message["body"]["echo"])

    def expect(self, message, found, wanted):
        """Answers a client's echo, with an error if something is not as it should be."""
        if found == wanted and json.dumps(found) == json.dumps(wanted):
            return self.echo(message)
        self.reply(message, type="error", code=14, text="found %r, not %r" % (found, wanted))

    # Asking.
    def ask(self, dest, body, then, msg_id=None):
        if msg_id is None:
            self.number += 1
            msg_id = self.number
        self.calls[json.dumps(msg_id)] = then
        self.send(dest, dict(body, msg_id=msg_id))

    def script(self, service, message, steps):
        """Sends one request after the other; each answer must hold what is wanted of it."""
        if not steps:
            return self.echo(message)
        (request, wanted), rest = steps[0], steps[1:]
        def then(answer):
            found = {key: answer["body"].get(key, "nothing") for key in wanted}
            if json.dumps(found) != json.dumps(wanted):
                return self.expect(message, found, wanted)
            self.script(service, message, rest)
        self.ask(service, request, then)

    @property
    def other(self):
        return [peer for peer in self.ids if peer != self.id][0]

    def wake_in(self, seconds):
        self.wake_at = self.now + int(seconds * 1e9)

    # The two clocks.
    def run(self):
        while True:
            line = self.read()
            if line is not None:
                message = json.loads(line)
                self.now = message.get("at", self.now)
                self.handle(message)
            if self.wake_at is not None and self.now >= self.wake_at:
                self.wake_at = None
                globals()[self.kind + "_wakes"](self)
            if self.lockstep:
                self.send("clock", {"type": "idle", "wake_at": self.wake_at})

    def read(self):
        while b"\n" not in self.buffer:
            if not self.lockstep:
                self.now = time.monotonic_ns()
                wait = None if self.wake_at is None else max(0, self.wake_at - self.now) / 1e9
                if not select.select([0], [], [], wait)[0]:
                    self.now = time.monotonic_ns()
                    return None
            data = os.read(0, 1 << 16)
            if not data:
                sys.exit(0)
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line

    def handle(self, message):
        body = message["body"]
        kind = body.get("type")
        if message["src"] == "clock":
            return
        if kind == "init":
            self.id, self.ids = body["node_id"], body["node_ids"]
            self.lockstep = "lockstep" in body
            more = {"lockstep": {"version": 1}} if self.lockstep else {}
            init = globals().get(self.kind + "_on_init", lambda n, m, more: n.reply(m, type="init_ok", **more))
            return init(self, message, more)
        then = self.calls.pop(json.dumps(body.get("in_reply_to", "nothing")), None)
        if then is not None:
            return then(message)
        if kind == "topology":
            return self.reply(message, type="topology_ok")
        globals()[self.kind](self, message)


def is_echo(message):
    return message["body"].get("type") == "echo"


# What requests are called.

IDS = {
    "uuid": lambda n: "7d4f0f2e-8a39-4e6b-9c55-%012d" % n, "float": lambda n: n + 0.5,
    "whole_float": lambda n: float(n), "list": lambda n: ["n", n], "object": lambda n: {"at": n},
    "huge": lambda n: (1 << 70) + n, "negative": lambda n: -n, "zero": lambda n: 0,
    "null": lambda n: None, "true": lambda n: True, "empty": lambda n: "", "unicode": lambda n: "№%d" % n,
    "text_number": lambda n: str(n), "int64_max": lambda n: (1 << 63) - 1,
}


def make_ids(name, make):
    def peer(node, message):
        """Asks the other node first."""
        if is_echo(message):
            node.count += 1
            msg_id = make(node.count)
            node.calls[json.dumps(msg_id)] = lambda answer: node.echo(message)
            return node.send(node.other, {"type": "ask", "msg_id": msg_id})
        node.send(message["src"], {"type": "answer", "in_reply_to": message["body"]["msg_id"]})

    def service(node, message):
        """Asks lin-kv first."""
        if is_echo(message):
            node.count += 1
            msg_id = make(node.count)
            node.calls[json.dumps(msg_id)] = lambda answer: node.expect(
                message, answer["body"]["type"], "write_ok")
            node.send("lin-kv", {"type": "write", "key": node.id, "value": 1, "msg_id": msg_id})

    globals()["ids_%s_to_peers" % name] = peer
    globals()["ids_%s_to_services" % name] = service


for name, make in IDS.items():
    make_ids(name, make)


def ids_none_to_services(node, message):
    """No msg_id at all: the service answers, and says to what with null."""
    if is_echo(message):
        node.calls["null"] = lambda answer: node.expect(message, answer["body"]["type"], "write_ok")
        node.send("lin-kv", {"type": "write", "key": node.id, "value": 1})


# Who answers, and in whose name.

def another_node_answers(node, message):
    if is_echo(message) and node.id != "n0":
        return node.send("n0", {"type": "forward", "client": message["src"], "inner": message["body"]})
    if is_echo(message):
        return node.echo(message)
    node.echo({"src": message["body"]["client"], "body": message["body"]["inner"]})


def another_node_answers_init(node, message):
    if is_echo(message):
        return node.echo(message)
    body = message["body"]
    node.send(body["client"], body["answer"])


def another_node_answers_init_on_init(node, message, more):
    answer = dict({"type": "init_ok", "in_reply_to": message["body"]["msg_id"]}, **more)
    if node.id == "n0":
        return node.send(message["src"], answer)
    node.send("n0", {"type": "forward", "client": message["src"], "answer": answer})


def passes_messages_on(node, message):
    """As Maelstrom's Raft demo does: the client's message, `src` and all."""
    if not is_echo(message):
        return
    if node.id == "n0":
        return node.echo(message)
    node.line(json.dumps(dict({key: message[key] for key in ("src", "body")}, dest="n0")))


def passes_messages_on_with_their_id(node, message):
    if is_echo(message) and node.id != "n0":
        return node.line(json.dumps({"id": message["id"], "src": message["src"], "dest": "n0", "body": message["body"]}))
    if is_echo(message):
        node.echo(message)


def speaks_for_its_peer(node, message):
    if is_echo(message):
        node.line(json.dumps(dict(node.message(node.id, {"type": "note"}), src=node.other)))
        node.echo(message)


def speaks_for_a_service(node, message):
    if is_echo(message):
        body = {"type": "echo_ok", "echo": message["body"]["echo"], "in_reply_to": message["body"]["msg_id"]}
        node.line(json.dumps({"src": "lin-kv", "dest": message["src"], "body": body}))


def speaks_for_nobody(node, message):
    if is_echo(message):
        node.line(json.dumps({"src": "n9", "dest": node.id, "body": {"type": "note"}}))
        node.echo(message)


def answers_twice(node, message):
    if is_echo(message):
        node.echo(message)
        node.echo(message)


def answers_late(node, message):
    """The first request is answered after six seconds, when its client has given up."""
    node.count += 1
    if node.count == 1:
        node.first = message
        return node.wake_in(6)
    node.echo(message)


def answers_late_wakes(node):
    node.echo(node.first)


def tells_clients_what_they_did_not_ask(node, message):
    if is_echo(message):
        node.send(message["src"], {"type": "hello"})
        node.send(message["src"], {"type": "hello", "in_reply_to": 4711})
        node.echo(message)


def talks_to_itself(node, message):
    if is_echo(message):
        return node.ask(node.id, {"type": "ask"}, lambda answer: node.echo(message))
    node.reply(message, type="answer")


def numbers_its_answers(node, message):
    if is_echo(message):
        node.reply(message, type="echo_ok", echo=message["body"]["echo"], msg_id=1 << 70)


# Bodies and lines.

def make_note(name, line):
    """An echo node that writes something else first; `line` gives it, for the other node."""
    def noting(node, message):
        if is_echo(message):
            node.line(line(node))
            node.echo(message)
    globals()[name] = noting


def raw(body):
    return lambda node: '{"src":"%s","dest":"%s","body":%s}' % (node.id, node.other, body)


NOTE = '{"type":"note"}'
make_note("body_without_type", raw('{"value":1}'))
make_note("type_is_a_number", raw('{"type":7}'))
make_note("type_is_null", raw('{"type":null}'))
make_note("body_is_null", raw("null"))
make_note("body_is_an_empty_list", raw("[]"))
make_note("body_is_left_out", lambda node: '{"src":"%s","dest":"%s"}' % (node.id, node.other))
make_note("body_is_a_number", raw("7"))
make_note("more_keys_in_the_body", raw('{"type":"note","a":{"b":[1,2]},"":null}'))
make_note("a_key_twice", raw('{"type":"other","type":"note"}'))
make_note("an_extra_key", lambda node: raw(NOTE)(node)[:-1] + ',"time":1}')
make_note("two_messages_on_a_line", lambda node: raw(NOTE)(node) + raw(NOTE)(node))
make_note("text_after_a_message", lambda node: raw(NOTE)(node) + " // sent")
make_note("blank_lines", lambda node: "\n  \n" + raw(NOTE)(node) + "\n")
make_note("line_ends_of_windows", lambda node: raw(NOTE)(node) + "\r")
make_note("spaces_around", lambda node: " \t" + raw(NOTE)(node).replace(":", " : ") + "  ")
make_note("body_first", lambda node: '{"body":%s,"dest":"%s","src":"%s"}' % (NOTE, node.other, node.id))
make_note("a_raw_tab_in_a_string", raw('{"type":"note","text":"a\tb"}'))
make_note("bytes_that_are_no_text", lambda node: raw('{"type":"note","text":"caf?"}')(node).encode().replace(b"?", b"\xe9"))
make_note("many_scripts", raw('{"type":"note","text":"žluť 水 🦀 \\u0000 \\ud83e\\udd80"}'))
make_note("text_that_is_no_message", lambda node: "hello")
make_note("to_nobody", lambda node: '{"src":"%s","dest":"n9","body":%s}' % (node.id, NOTE))


def make_far(name, value):
    """The other node gives a value back, and it must be the same."""
    def far(node, message):
        if is_echo(message):
            return node.ask(node.other, {"type": "keep", "value": value},
                            lambda answer: node.expect(message, answer["body"]["value"], value))
        node.reply(message, type="kept", value=message["body"]["value"])
    globals()[name] = far


def nested(levels):
    cells = None
    for i in range(levels):
        cells = [i, cells]
    return cells


sys.setrecursionlimit(20000)
make_far("nested_200_levels", nested(200))
make_far("nested_900_levels", nested(900))
make_far("numbers_of_any_size", [1 << 200, -(1 << 64), 1e300, 0.1, -0.0, 9007199254740993])
make_far("a_megabyte", "x" * (1 << 20))
# The message and its body are two of them.
make_note("nested_1000_levels", raw('{"type":"note","a":%s}' % ("[" * 998 + "]" * 998)))
make_note("nested_1001_levels", raw('{"type":"note","a":%s}' % ("[" * 999 + "]" * 999)))


# Errors to clients. Every other request is answered well: an operation of unknown outcome is no fault.

def make_error(name, **error):
    def failing(node, message):
        if is_echo(message):
            node.count += 1
            if node.count % 2:
                return node.echo(message)
            node.reply(message, type="error", **error)
    globals()[name] = failing


make_error("error_without_code", text="something went wrong")
make_error("error_with_a_text_for_a_code", code="11", text="busy")
make_error("error_with_a_name_for_a_code", code="temporarily-unavailable")
make_error("error_with_a_fraction_for_a_code", code=11.0, text="busy")
make_error("error_with_null_for_a_code", code=None, text="busy")
make_error("error_without_text", code=13)
make_error("error_with_an_object_for_a_text", code=13, text={"cause": ["x"]})
make_error("error_with_a_code_nobody_knows", code=4711, text="ours")
make_error("error_with_more_keys", code=13, text="x", retry=True, key=7)


# Answers to clients that do not fit.

def make_answer(name, **more):
    def answering(node, message):
        if is_echo(message):
            node.reply(message, **dict({"type": "echo_ok", "echo": message["body"]["echo"]}, **more))
    globals()[name] = answering


make_answer("answer_with_an_extra_key", took=3)
make_answer("answer_of_another_type", type="echo")
make_answer("answer_with_a_text_for_an_id", msg_id="a")


make_answer("echoes_something_else", echo="no")


def refuses_every_other_request(node, message):
    node.count += 1
    if node.count % 2:
        return node.echo(message)
    node.reply(message, type="error", code=11, text="not now")


def refuses_every_request(node, message):
    node.reply(message, type="error", code=11, text="not now")


def one_id_for_all(node, message):
    node.reply(message, type="generate_ok", id="the one")


def forgets_what_it_was_told(node, message):
    more = {"messages": []} if message["body"]["type"] == "read" else {}
    node.reply(message, type=message["body"]["type"] + "_ok", **more)


def answer_without_type(node, message):
    node.reply(message, echo=message["body"]["echo"])


def null_for_an_empty_list(node, message):
    """Go's nil slice, in the first read."""
    body = message["body"]
    if node.count == 0:
        node.count, node.values = 1, []
    if body["type"] == "read":
        node.count += 1
        return node.reply(message, type="read_ok", messages=None if node.count == 2 else node.values)
    node.values.append(body["message"])
    node.reply(message, type="broadcast_ok")


def answer_to_a_text(node, message):
    body = {"type": "echo_ok", "echo": message["body"]["echo"], "in_reply_to": str(message["body"]["msg_id"])}
    node.send(message["src"], body)


def answer_to_a_fraction(node, message):
    body = {"type": "echo_ok", "echo": message["body"]["echo"], "in_reply_to": float(message["body"]["msg_id"])}
    node.send(message["src"], body)


# Services.

def make_script(name, service, steps):
    def asking(node, message):
        if is_echo(message):
            node.count += 1
            key = "%s %d" % (node.id, node.count)
            fill = lambda json_: json.loads(json.dumps(json_).replace("KEY", key))
            node.script(service, message, [(fill(request), wanted) for request, wanted in steps])
    globals()[name] = asking


OK = {"read": {"type": "read_ok"}, "write": {"type": "write_ok"}, "cas": {"type": "cas_ok"}}
NO_KEY = {"type": "error", "code": 20}


def read(value, **more):
    return (dict({"type": "read", "key": "KEY"}, **more), {"type": "read_ok", "value": value})


make_script("cas_without_from_creates", "lin-kv", [
    ({"type": "cas", "key": "KEY", "to": 1, "create_if_not_exists": True}, OK["cas"]), read(1)])
make_script("cas_without_from_and_to", "seq-kv", [
    ({"type": "write", "key": "KEY"}, OK["write"]), read(None),
    ({"type": "cas", "key": "KEY"}, OK["cas"]), ({"type": "cas", "key": "KEY", "to": 5}, OK["cas"]), read(5)])
make_script("write_without_value", "lin-kv", [
    ({"type": "write", "key": "KEY"}, OK["write"]), read(None),
    ({"type": "cas", "key": "KEY", "to": 5}, OK["cas"]), read(5)])
make_script("requests_without_key", "lin-kv", [
    ({"type": "write", "value": 7}, OK["write"]), ({"type": "read"}, {"type": "read_ok", "value": 7}),
    ({"type": "read", "key": None}, {"type": "read_ok", "value": 7})])
for name, word, creates in [("one", 1, True), ("zero", 0, True), ("yes", "yes", True), ("empty_text", "", True),
                            ("empty_list", [], True), ("null", None, False), ("false", False, False)]:
    make_script("create_if_not_exists_" + name, "lin-kv", [
        ({"type": "cas", "key": "KEY", "from": 0, "to": 1, "create_if_not_exists": word},
         OK["cas"] if creates else NO_KEY)])
make_script("lww_kv_creates_nothing", "lww-kv", [
    ({"type": "cas", "key": "KEY", "from": 0, "to": 1, "create_if_not_exists": True}, NO_KEY)])
make_script("keys_of_any_kind", "lin-kv", [
    ({"type": "write", "key": {"a": ["KEY"], "b": 1}, "value": 1}, OK["write"]),
    ({"type": "read", "key": {"b": 1, "a": ["KEY"]}}, {"type": "read_ok", "value": 1}),
    ({"type": "read", "key": {"b": 1.0, "a": ["KEY"]}}, NO_KEY),
    ({"type": "write", "key": ["KEY", 1 << 80], "value": 2}, OK["write"]),
    ({"type": "read", "key": ["KEY", (1 << 80) + 1]}, NO_KEY)])
make_script("values_of_any_size", "lin-kv", [
    ({"type": "write", "key": "KEY", "value": {"n": (1 << 90) + 1}}, OK["write"]), read({"n": (1 << 90) + 1}),
    ({"type": "cas", "key": "KEY", "from": {"n": 1 << 90}, "to": 0}, {"type": "error", "code": 22}),
    ({"type": "cas", "key": "KEY", "from": {"n": (1 << 90) + 1}, "to": 0}, OK["cas"])])
make_script("more_keys_in_a_request", "lin-kv", [
    ({"type": "write", "key": "KEY", "value": 1, "ttl": 3, "trace": {"id": "x"}}, OK["write"]), read(1, trace=[1])])


def who_only_reads_comes_up_to_date(node, message):
    """A counter over seq-kv: each node keeps its own sum under its own key, and reads all others'."""
    body = message["body"]
    if node.count == 0:
        node.count, node.mine, node.seen = 1, 0, {}
        node.wake_in(0.1)
    if body["type"] == "add":
        node.mine += body["delta"]
        node.ask("seq-kv", {"type": "write", "key": node.id, "value": node.mine}, lambda _: None)
        node.reply(message, type="add_ok")
    elif body["type"] == "read":
        node.reply(message, type="read_ok", value=node.mine + sum(node.seen.values()))


def who_only_reads_comes_up_to_date_wakes(node):
    for peer in node.ids:
        if peer != node.id:
            def then(answer, peer=peer):
                if answer["body"]["type"] == "read_ok":
                    node.seen[peer] = answer["body"]["value"]
            node.ask("seq-kv", {"type": "read", "key": peer}, then)
    node.wake_in(0.1)


# Other workloads.

def keeps_the_last_commit(node, message):
    """A log on one node that remembers the offset it was last told, and takes its time over polls: their
    commits come in another order than they were polled."""
    body = message["body"]
    if node.count == 0:
        node.logs, node.committed, node.late = {}, {}, []
    node.count += 1
    if body["type"] == "send":
        log = node.logs.setdefault(body["key"], [])
        log.append(body["msg"])
        node.reply(message, type="send_ok", offset=len(log) - 1)
    elif body["type"] == "poll":
        msgs = {key: [[at, msg] for at, msg in enumerate(node.logs.get(key, []))][offset:]
                for key, offset in body["offsets"].items()}
        node.late.append((node.now + node.count * 7919 % 41 * 1_000_000, message, msgs))
        node.wake_at = min(late[0] for late in node.late)
    elif body["type"] == "commit_offsets":
        node.committed.update(body["offsets"])
        node.reply(message, type="commit_offsets_ok")
    elif body["type"] == "list_committed_offsets":
        known = {key: node.committed[key] for key in body["keys"] if key in node.committed}
        node.reply(message, type="list_committed_offsets_ok", offsets=known)


def keeps_the_last_commit_wakes(node):
    for _, message, msgs in [late for late in node.late if late[0] <= node.now]:
        node.reply(message, type="poll_ok", msgs=msgs)
    node.late = [late for late in node.late if late[0] > node.now]
    node.wake_at = min((late[0] for late in node.late), default=None)


UNIQUE = [lambda n: n + 0.5, lambda n: [n], lambda n: {"n": n}, lambda n: str(n), lambda n: (1 << 70) + n, lambda n: -n,
          lambda n: [n, nested(990)]]


def ids_of_every_kind(node, message):
    node.count += 1
    number = node.count * len(node.ids) + node.ids.index(node.id)
    node.reply(message, type="generate_ok", id=UNIQUE[number % len(UNIQUE)](number))


Node(sys.argv[1]).run()
