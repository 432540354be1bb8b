"""A TCP proxy before a real server: its connections can be cut, held or refused."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from support.redis_server import free_port

Answer = TypeVar("Answer")

_CHUNK = 65536
# Closing then sends RST instead of FIN, as a host that was unplugged and came back does.
_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Listens on a loopback port of its own and forwards to another one.

    Runs in a thread of its own, so tests call it from wherever they are.

    Args:
        target_port: the loopback port of the real server; it need not be there yet.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._forgotten: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._open = asyncio.Event()
        self._open.set()
        self._server: asyncio.Server | None = None
        self.port = free_port()
        self._placeholder = _bound(self.port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._do(self._listen())

    @property
    def connections(self) -> int:
        """How many connections are open through it."""
        return len(self._pairs)

    def cut(self) -> int:
        """Reset all open connections; what was on its way is lost. New ones are accepted.

        Returns:
            How many were closed.
        """
        return self._do(self._cut())

    def refuse(self) -> int:
        """Cut, and refuse new connections until `accept`. Returns how many were closed."""
        return self._do(self._refuse())

    def accept(self) -> None:
        """Accept connections again."""
        self._do(self._listen())

    def hold(self) -> None:
        """Leave connections open but let nothing through, either way, until `release`."""
        self._do(self._hold())

    def release(self) -> None:
        """Let through what was held, and all that comes."""
        self._do(self._release())

    def forget(self) -> None:
        """Drop what comes on the connections that are open, and say so to neither end.

        As a firewall does that has lost them. New ones are served.
        """
        self._do(self._forget())

    def accepts(self) -> bool:
        """Whether a new connection to it is accepted, found out by trying."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 2):
            return True
        return False

    def stop(self) -> None:
        """Close everything and end the thread."""
        self.release()
        self.refuse()
        self._placeholder.close()
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    # -- in the proxy's thread ------------------------------------------------------------

    def _do(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=20)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, sock=self._placeholder)

    async def _refuse(self) -> int:
        if self._server is not None:
            self._server.close()
            self._server = None
            # Bound but not listening: connections are refused, and nobody else gets the port.
            self._placeholder = _bound(self.port)
        return await self._cut()

    async def _cut(self) -> int:
        count = len(self._pairs)
        for pair in self._pairs:
            for writer in pair:
                _reset(writer)
        self._pairs.clear()
        return count

    async def _hold(self) -> None:
        self._open.clear()

    async def _release(self) -> None:
        self._open.set()

    async def _forget(self) -> None:
        self._forgotten |= self._pairs

    async def _end(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        if tasks:
            await asyncio.wait(tasks, timeout=5)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            _reset(writer)
            return
        pair = (writer, far_writer)
        self._pairs.add(pair)
        there = asyncio.ensure_future(self._forward(pair, reader, far_writer))
        back = asyncio.ensure_future(self._forward(pair, far_reader, writer))
        try:
            await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
        finally:
            there.cancel()
            back.cancel()
            self._pairs.discard(pair)
            self._forgotten.discard(pair)
            writer.close()
            far_writer.close()

    async def _forward(
        self,
        pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self._open.wait()
                if pair in self._forgotten:
                    continue
                writer.write(data)
                await writer.drain()


def _bound(port: int) -> socket.socket:
    """A socket on this loopback port that does not listen yet."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


def _reset(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
