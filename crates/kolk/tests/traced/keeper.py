#!/usr/bin/env python3
"""A grow-only set on one node that keeps its elements in files of its own, in the way that its
argument names: some lose what they acknowledged when the power is lost, and some cannot."""

import json
import mmap
import os
import sys

way = sys.argv[1]
folder = os.environ["KOLK_DATA_DIR"]
path = os.path.join(folder, "elements")
SLOT = 16
PAGES = 16 * 1024


def sync(name, flags=os.O_RDONLY):
    descriptor = os.open(name, flags)
    os.fsync(descriptor)
    os.close(descriptor)


def text(elements):
    return "".join(f"{element}.\n" for element in elements)


def write(name, words, synced, mode="w"):
    with open(name, mode) as file:
        file.write(words)
        file.flush()
        if synced:
            os.fsync(file.fileno())


def parse(words):
    lines = words.split("\n")
    return [int(line[:-1]) for line in lines if line.endswith(".") and line[:-1].isdigit()]


class Log:
    """Lines at the end of a file."""

    def __init__(self):
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        self.file = os.open(path, flags | (os.O_DSYNC if way == "through" else 0), 0o644)
        # Whatever was torn ends here.
        os.write(self.file, b"\n")
        if way == "through":
            sync(folder)

    def read(self):
        with open(path, errors="replace") as file:
            return parse(file.read())

    def keep(self, elements):
        os.write(self.file, text(elements[-1:]).encode())
        if way == "log":
            os.fdatasync(self.file)


class Anew:
    """All of them in a file that is written anew each time."""

    def read(self):
        name = path
        if way == "folders":
            self.last = max(map(int, filter(str.isdigit, os.listdir(folder))), default=0)
            name = os.path.join(folder, str(self.last), "now")
        if not os.path.exists(name):
            return []
        with open(name, errors="replace") as file:
            return parse(file.read())

    def keep(self, elements):
        words = text(elements)
        if way == "overwritten":
            return write(path, words, True)
        if way == "folders":
            return self.keep_folder(words)
        new = os.path.join(folder, "new")
        write(new, words, way != "renamed")
        if way == "linked" and os.path.exists(path):
            if os.path.exists(path + ".old"):
                os.unlink(path + ".old")
            os.link(path, path + ".old")
        os.rename(new, path)
        if way in ("replaced", "linked"):
            sync(folder)

    def keep_folder(self, words):
        new = os.path.join(folder, "new")
        os.makedirs(new, exist_ok=True)
        write(os.path.join(new, "now"), words, True)
        before, self.last = os.path.join(folder, str(self.last)), self.last + 1
        os.rename(new, os.path.join(folder, str(self.last)))
        sync(folder)
        if os.path.exists(before):
            os.unlink(os.path.join(before, "now"))
            os.rmdir(before)


class Mapped:
    """Slots of a file that is in memory."""

    def __init__(self):
        if not os.path.exists(path):
            write(path, "\0" * PAGES, True)
            sync(folder)
        self.file = open(path, "r+b")
        self.memory = mmap.mmap(self.file.fileno(), PAGES)

    def read(self):
        return parse(self.memory[:].decode(errors="replace").replace("\0", ""))

    def keep(self, elements):
        at = (len(elements) - 1) * SLOT
        self.memory[at : at + SLOT] = f"{elements[-1]}.".ljust(SLOT - 1, "\0").encode() + b"\n"
        if way == "mapped":
            self.memory.flush()


class Database:
    """A table of SQLite: `sqlite-JOURNAL-SYNCHRONOUS`."""

    def __init__(self):
        import sqlite3

        _, journal, synchronous = way.split("-")
        self.database = sqlite3.connect(path, isolation_level=None)
        self.database.execute(f"pragma journal_mode={journal}")
        self.database.execute(f"pragma synchronous={synchronous}")
        self.database.execute("create table if not exists elements (element integer)")

    def read(self):
        return [row[0] for row in self.database.execute("select element from elements")]

    def keep(self, elements):
        self.database.execute("insert into elements values (?)", elements[-1:])


if way.startswith("sqlite"):
    store = Database()
elif way.startswith("mapped"):
    store = Mapped()
elif way in ("log", "unsynced", "through"):
    store = Log()
else:
    store = Anew()
elements = store.read()

for line in sys.stdin:
    message = json.loads(line)
    body = message["body"]
    reply = {"type": body["type"] + "_ok", "in_reply_to": body["msg_id"]}
    if body["type"] == "init":
        me = body["node_id"]
    elif body["type"] == "add":
        elements.append(body["element"])
        try:
            store.keep(elements)
        except OSError as error:
            # It may have been kept, and is not shown.
            elements.pop()
            reply.update(type="error", code=13, text=str(error))
    else:
        reply["value"] = elements
    print(json.dumps({"src": me, "dest": message["src"], "body": reply}), flush=True)
