"""The child process of a `Fetcher`; shards arrive on its standard input and leave, fetched, on its standard output.

A float on its standard input is the requests a second that it may make from then on, an integer the requests; None ends
the shards under way with what has come. Every second it says how many documents are done.
"""

import asyncio
import gc
import os
import pickle
import signal
import sys
import traceback
from contextlib import suppress
from typing import IO, Any

from lake.crawl.fetch import fetch
from lake.crawl.key import Key
from lake.crawl.pace import Pace
from lake.crawl.process import LENGTH_BYTES, write_answer
from lake.crawl.shard import Fetched, Shard
from lake.errors import SourceError
from lake.source import Source

# Objects that come and stay before the garbage collector looks for circles; a document of PokeAPI decodes to 10,000.
GC_THRESHOLD = 100_000

# How often it says how many documents are done.
TELL_SECONDS = 1.0


def _loop() -> asyncio.AbstractEventLoop:
    """Return an event loop: uvloop's, which is faster, or Python's own on Windows, which uvloop does not support."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Fetch shards until the parent closes the pipe or is gone; all shards that were sent are fetched side by side."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), requests)
    source, key = await _next(reader)
    pace, writing, stop = Pace(source), asyncio.Lock(), asyncio.Event()
    running: set[asyncio.Task[None]] = set()

    async def send(number: int | None, found: object) -> None:
        async with writing:
            # In a thread, because a write waits while the pipe is full, and the other shards must go on.
            await asyncio.to_thread(write_answer, answers, (number, found))

    async def answer(number: int, shard: Shard) -> None:
        await send(number, await _fetched(source, pace, shard, key, stop))

    async def tell() -> None:
        told = 0
        while True:
            await asyncio.sleep(TELL_SECONDS)
            if pace.documents > told:
                await send(None, told := pace.documents)

    # A group, so that everything ends if an answer cannot be sent: the parent would wait for it forever.
    async with asyncio.TaskGroup() as group:
        running.add(group.create_task(tell()))
        try:
            while True:
                asked = await _next(reader)
                if asked is None:
                    stop.set()
                elif isinstance(asked, float):
                    pace.set_rate(asked)
                elif isinstance(asked, int):
                    pace.allow(asked)
                else:
                    task = group.create_task(answer(*asked))
                    running.add(task)
                    task.add_done_callback(running.discard)
        except asyncio.IncompleteReadError:
            for task in running:
                task.cancel()


async def _next(reader: asyncio.StreamReader) -> Any:
    length = int.from_bytes(await reader.readexactly(LENGTH_BYTES))
    return pickle.loads(await reader.readexactly(length))


async def _fetched(
    source: Source, pace: Pace, shard: Shard, key: Key | None, stop: asyncio.Event
) -> Fetched | Exception:
    try:
        return await fetch(source, pace, shard, key, stop=stop)
    except SourceError as error:
        return error
    except Exception:
        # As text, because some exceptions cannot be pickled, and none keeps its traceback.
        return RuntimeError(f"fetching {shard.resource}, shard {shard.number}, failed:\n{traceback.format_exc()}")


if __name__ == "__main__":
    # Each document is decoded to be checked, and the default threshold makes the collector look at its values again and
    # again: 0.5 s of 7.2 for all of PokeAPI.
    gc.set_threshold(GC_THRESHOLD)
    # A terminal interrupts the parent as well, and the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(BrokenPipeError), os.fdopen(os.dup(1), "wb") as to_parent:
        # Printed text goes to standard error, so that it does not get between the answers.
        os.dup2(2, 1)
        with asyncio.Runner(loop_factory=_loop) as runner:
            runner.run(serve(sys.stdin.buffer, to_parent))
