"""The line between tills and server: a TCP proxy that, while it is bad, hurts connections by lot (H3, H4).

One request a connection, as the tills ask. What reached the server although the till saw its line break is the point.
"""

import asyncio
import re
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import Self

GOOD = "untouched"
FATES = {
    "cut_before_request": 3,
    "cut_in_request": 3,
    "answer_lost": 5,
    "answer_cut": 3,
    "delayed": 3,
    "sent_twice_at_once": 3,
    "sent_again_later": 3,
    "trickled": 2,
}  # the lots of each
HURT = 0.18
LONGEST_DELAY, LATER_SECONDS = 1.5, (0.5, 12.0)
DRIP_SECONDS, DRIPS = 0.04, 12
LONGEST_ANSWER_SECONDS = 60

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


class BadLine:
    """Carries connections from its own port to the server's; `is_bad` says whether it hurts them."""

    def __init__(self, *, to_port: int, rng: Random) -> None:
        self.port = 0
        self.is_bad = False
        self.hurt: Counter[str] = Counter()
        self._to_port, self._rng = to_port, rng
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="line", daemon=True)
        self._is_open = threading.Event()
        self._late: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._is_open.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _run(self) -> None:
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512))
        self.port = server.sockets[0].getsockname()[1]
        self._is_open.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fate = self._draw()
        self.hurt[fate] += 1
        try:
            if fate != "cut_before_request":
                await self._carry(fate, await _message(reader), writer)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            pass
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def _draw(self) -> str:
        if not self.is_bad or self._rng.random() >= HURT:
            return GOOD
        return self._rng.choices(list(FATES), weights=list(FATES.values()))[0]

    async def _carry(self, fate: str, request: bytes, till: asyncio.StreamWriter) -> None:
        ways: dict[str, Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]] = {
            "cut_in_request": self._cut_in_request,
            "answer_lost": self._lose_answer,
            "answer_cut": self._cut_answer,
            "delayed": self._delay,
            "sent_twice_at_once": self._send_twice,
            "sent_again_later": self._send_again_later,
            "trickled": self._trickle,
        }
        await ways.get(fate, self._pass)(request, till)

    async def _pass(self, request: bytes, till: asyncio.StreamWriter) -> None:
        till.write(await self._ask(request))
        await till.drain()

    async def _cut_in_request(self, request: bytes, till: asyncio.StreamWriter) -> None:
        """Give the server a part of the request, and break the line."""
        _, server = await asyncio.open_connection("127.0.0.1", self._to_port)
        server.write(request[: self._rng.randrange(1, len(request))])
        await server.drain()
        server.close()

    async def _lose_answer(self, request: bytes, till: asyncio.StreamWriter) -> None:
        await self._ask(request)

    async def _cut_answer(self, request: bytes, till: asyncio.StreamWriter) -> None:
        answer = await self._ask(request)
        till.write(answer[: self._rng.randrange(len(answer))] if answer else b"")
        await till.drain()

    async def _delay(self, request: bytes, till: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self._rng.uniform(0, LONGEST_DELAY))
        await self._pass(request, till)

    async def _send_twice(self, request: bytes, till: asyncio.StreamWriter) -> None:
        """Let two copies race; the till hears the answer of one of them."""
        copies = [asyncio.ensure_future(self._ask(request)) for _ in range(2)]
        answers = await asyncio.gather(*copies)
        till.write(self._rng.choice(answers))
        await till.drain()

    async def _send_again_later(self, request: bytes, till: asyncio.StreamWriter) -> None:
        """Let a copy arrive when the till has long gone on; nobody hears its answer."""
        task = asyncio.ensure_future(self._later(request, self._rng.uniform(*LATER_SECONDS)))
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        await self._pass(request, till)

    async def _later(self, request: bytes, seconds: float) -> None:
        await asyncio.sleep(seconds)
        with suppress(OSError, TimeoutError):
            await self._ask(request)

    async def _trickle(self, request: bytes, till: asyncio.StreamWriter) -> None:
        """Carry a request drop by drop."""
        reader, server = await asyncio.open_connection("127.0.0.1", self._to_port)
        size = max(1, len(request) // DRIPS)
        for start in range(0, len(request), size):
            server.write(request[start : start + size])
            await server.drain()
            await asyncio.sleep(DRIP_SECONDS)
        till.write(await _to_the_end(reader))
        server.close()
        await till.drain()

    async def _ask(self, request: bytes) -> bytes:
        reader, server = await asyncio.open_connection("127.0.0.1", self._to_port)
        try:
            server.write(request)
            await server.drain()
            return await _to_the_end(reader)
        finally:
            server.close()


async def _message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return head + await reader.readexactly(int(length[1]) if length else 0)


async def _to_the_end(reader: asyncio.StreamReader) -> bytes:
    return await asyncio.wait_for(reader.read(), LONGEST_ANSWER_SECONDS)
