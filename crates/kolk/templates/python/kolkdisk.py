"""What a node finds again when it was killed, or when its power was lost."""

import json
import os
import random
import zlib


class Log:
    """A file of JSON values, one a line; make it when the node knows its name.

    `values` is what was there. What was appended is safe from a kill; what was there when a `sync`
    began that has ended, is safe from a loss of power. In lockstep the file is simulated, so that
    kolk can take what was not synced: the changes to it are kept beside it, and `.disk.jsonl` is
    where kolk writes down that the power was lost."""

    def __init__(self, node, name="log"):
        folder = os.environ.get("KOLK_DATA_DIR")
        if not folder:
            raise RuntimeError("KOLK_DATA_DIR names no folder to keep anything in")
        self._node, self._name = node, name
        self._journal = os.path.join(folder, f".{name}.jsonl") if node.in_lockstep else None
        path = self._journal or os.path.join(folder, name)
        if self._journal:
            note_losses(os.path.join(folder, ".disk.jsonl"), self._journal)
        content = b""
        if os.path.exists(path):
            with open(path, "rb") as file:
                content = self._replayed(file) if self._journal else file.read()
        self._file = open(path, "ab")
        if not self._journal:
            sync_folder(folder)
        self._length = len(content)
        self.values = list(parsed(content))
        if content and not content.endswith(b"\n"):
            self._write(b"\n")  # The power went while the line was written.

    def append(self, value):
        # In brackets no part of a line is JSON, so that a torn one is seen.
        self._write(json.dumps([value]).encode() + b"\n")

    async def sync(self):
        length = self._length
        if self._journal:
            await self._node.sleep(self._node.random.uniform(0.0005, 0.005))
            self._note({"synced": length})
        else:
            os.fsync(self._file.fileno())

    def _write(self, line):
        self._length += len(line)
        if self._journal:
            self._note({"append": line.decode()})
        else:
            self._file.write(line)
            self._file.flush()

    def _note(self, record):
        self._file.write(json.dumps(record).encode() + b"\n")
        self._file.flush()

    def _replayed(self, file):
        """The file's content after all that happened to it."""
        content, safe = b"", 0
        for record in map(json.loads, file):
            (kind, what), = record.items()
            if kind == "append":
                content += what.encode()
            elif kind == "synced":
                safe = max(safe, what)
            elif kind == "power":
                draw = random.Random(what ^ zlib.crc32(self._name.encode()))
                safe = draw.choice([safe, draw.randint(safe, len(content)), len(content)])
                content = content[:safe]
        return content


def note_losses(told, journal):
    """Adds to a journal each loss of power that kolk has told of since."""
    open(told, "ab").close()  # kolk writes where there is a file.
    open(journal, "ab").close()
    with open(told, "rb") as news, open(journal, "r+b") as known:
        losses = [line for line in news if b'"power"' in line]
        noted = sum(b'{"power"' in line[:8] for line in known)
        known.writelines(line.rstrip() + b"\n" for line in losses[noted:])


def parsed(content):
    for line in content.splitlines():
        try:
            yield json.loads(line)[0]
        except ValueError:
            pass  # It is torn, so no sync of it had ended.


def sync_folder(folder):
    """Makes the names of files in it safe."""
    number = os.open(folder, os.O_RDONLY)
    os.fsync(number)
    os.close(number)
