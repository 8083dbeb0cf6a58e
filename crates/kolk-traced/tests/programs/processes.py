# Child processes: pipes, a pool with shared semaphores, a time limit, waiting by looking at the clock.
import multiprocessing, subprocess, sys, time


def work(number):
    time.sleep(0.5)
    return number * number


if __name__ == "__main__":
    began = time.monotonic()

    def say(*words):
        print(*words, f"{time.monotonic() - began:.6f}", flush=True)

    for line in sys.stdin:
        word = line.strip()
        say("echo", word)
        if word == "hello":
            say("child", subprocess.run("sleep 0.2; echo hi", shell=True, capture_output=True, text=True).stdout)
        elif word == "set it":
            with multiprocessing.Pool(2) as pool:
                say("pool", pool.map(work, [1, 2, 3]))
        elif word == "twice":
            try:
                subprocess.run(["sleep", "5"], timeout=1)
            except subprocess.TimeoutExpired:
                say("expired")
        else:
            until = time.monotonic() + 0.005
            while time.monotonic() < until:
                pass
            say("spun")
