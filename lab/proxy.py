"""The links between the services: a TCP proxy that can delay what it forwards and reset what it carries.

Every service is reached through a port of this process (`python -m lab.proxy`); the control file says how each link
behaves.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab.control import on_hangup, path_of
from lab.layout import Configuration

PROCESS = "links"
CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a link treats traffic: seconds added per direction, and the share of client messages met by a reset."""

    delay_s: float = 0.0
    jitter_s: float = 0.0
    reset_share: float = 0.0


class Link:
    """One listening port that forwards to one target."""

    def __init__(self, target_port: int, *, seed: int = 0) -> None:
        self.behaviour = Behaviour()
        self._target_port = target_port
        self._random = random.Random(seed)
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, port: int) -> asyncio.Server:
        """Start to accept connections on `port` (0 takes any free one)."""
        return await asyncio.start_server(self._accept, "127.0.0.1", port)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            reset(writer)
            return
        pumps = [
            asyncio.create_task(self._pump(reader, far_writer, writer, may_reset=True)),
            asyncio.create_task(self._pump(far_reader, writer, far_writer, may_reset=False)),
        ]
        self._tasks.update(pumps)
        await asyncio.gather(*pumps)
        self._tasks.difference_update(pumps)

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        origin: asyncio.StreamWriter,
        *,
        may_reset: bool,
    ) -> None:
        """Forward one direction; what arrives together leaves together, later by the delay."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        delivery = asyncio.create_task(_deliver(waiting, sink))
        with suppress(OSError):
            while data := await source.read(CHUNK):
                if may_reset and self._random.random() < self.behaviour.reset_share:
                    reset(origin)
                    break
                waiting.put_nowait((self._due(), data))
        waiting.put_nowait((self._due(), b""))
        await delivery

    def _due(self) -> float:
        behaviour = self.behaviour
        delay = behaviour.delay_s and behaviour.delay_s + self._random.uniform(0, behaviour.jitter_s)
        return asyncio.get_running_loop().time() + delay


async def _deliver(waiting: asyncio.Queue[tuple[float, bytes]], sink: asyncio.StreamWriter) -> None:
    """Write each chunk when it is due, in order, until an empty one ends the direction."""
    with suppress(OSError):
        while True:
            due, data = await waiting.get()
            if (left := due - asyncio.get_running_loop().time()) > 0:
                await asyncio.sleep(left)
            if not data:
                break
            sink.write(data)
            await sink.drain()
    sink.close()


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST instead of FIN: the peer reads "connection reset by peer"."""
    end = writer.get_extra_info("socket")
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def apply(links: dict[str, Link], path: Path) -> None:
    """Give each link the behaviour that the control file asks for; links that it does not name become normal."""
    wanted = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name, link in links.items():
        link.behaviour = Behaviour(**wanted.get(name, {}))


async def serve(configuration: Configuration) -> None:
    """Run all links until the process is ended."""
    links = {name: Link(port, seed=port) for name, port in configuration.ports.items()}
    path = path_of(configuration.folder, PROCESS)
    apply(links, path)
    on_hangup(lambda: apply(links, path))
    servers = [await link.listen(configuration.links[name]) for name, link in links.items()]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(serve(Configuration.from_environment()))
