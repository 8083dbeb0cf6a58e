# asyncio: tasks, a time limit, a thread pool, a child process.
import asyncio, sys, time


async def main():
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    began = loop.time()

    def say(*words):
        print(*words, f"{loop.time() - began:.6f}", flush=True)

    async def tick():
        while True:
            await asyncio.sleep(1)
            say("tick")

    async def later(line):
        try:
            await asyncio.wait_for(asyncio.sleep(5), 0.25)
        except asyncio.TimeoutError:
            say("later", line)
        await loop.run_in_executor(None, time.sleep, 0.1)
        say("executor")
        child = await asyncio.create_subprocess_shell("sleep 0.2; echo child", stdout=asyncio.subprocess.PIPE)
        out, _ = await child.communicate()
        say(out.decode().strip(), child.returncode)

    ticker = asyncio.create_task(tick())
    tasks = set()
    while line := await reader.readline():
        say("echo", line.decode().strip())
        tasks.add(asyncio.create_task(later(line.decode().strip())))


asyncio.run(main())
