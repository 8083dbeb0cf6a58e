# Threads, a timer, an event with a time limit, random numbers and hashes.
import os, random, sys, threading, time

lock = threading.Lock()
began = time.monotonic()


def say(*words):
    with lock:
        print(*words, f"{time.monotonic() - began:.6f} {time.time():.6f}", flush=True)


def tick():
    while True:
        time.sleep(1)
        say("tick", random.random())


def wait():
    while True:
        say("waited", event.wait(0.7))
        event.clear()


event = threading.Event()
threading.Thread(target=tick, daemon=True).start()
threading.Thread(target=wait, daemon=True).start()
for line in sys.stdin:
    say("echo", line.strip(), hash(line), os.urandom(4).hex(), os.getpid(), {object() for _ in range(3)})
    threading.Timer(0.25, say, ["later", line.strip()]).start()
    if line.startswith("set"):
        event.set()
