#!/usr/bin/env python3
"""An echo node that never waits for its input: it tries to read it, or asks how much there is."""

import fcntl
import json
import os
import struct
import sys
import termios

asks = sys.argv[1] == "asks"
os.set_blocking(0, asks)


def there_is():
    found = fcntl.ioctl(0, termios.FIONREAD, struct.pack("i", 0))
    return struct.unpack("i", found)[0] > 0


text = b""
while True:
    if asks and not there_is():
        continue
    try:
        read = os.read(0, 65536)
    except BlockingIOError:
        continue
    if not read:
        break
    *lines, text = (text + read).split(b"\n")
    for message in map(json.loads, lines):
        body = message["body"]
        reply = {"type": body["type"] + "_ok", "in_reply_to": body["msg_id"]}
        if "echo" in body:
            reply["echo"] = body["echo"]
        print(json.dumps({"src": message["dest"], "dest": message["src"], "body": reply}), flush=True)
