#!/usr/bin/env python3
# Answers each echo from a thread of its own, after a pause that is drawn.
import json, random, sys, threading, time

lock = threading.Lock()
name = None


def send(dest, body):
    with lock:
        print(json.dumps({"src": name, "dest": dest, "body": body}), flush=True)


def answer(message):
    time.sleep(random.uniform(0.001, 0.2))
    body = message["body"]
    send(message["src"], {"type": "echo_ok", "echo": body["echo"], "in_reply_to": body["msg_id"]})


for line in sys.stdin:
    message = json.loads(line)
    if message["body"]["type"] == "init":
        name = message["body"]["node_id"]
        send(message["src"], {"type": "init_ok", "in_reply_to": message["body"]["msg_id"]})
    else:
        threading.Thread(target=answer, args=[message]).start()
