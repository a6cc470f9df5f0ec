"""A relay between a client and a server, by TCP or unix sockets, that loses answers on demand: the request arrives, and its sender never learns what came of it.

with relay(("127.0.0.1", 9001), folder / "relay.sock") as between:
    between.manner = "lost"      # or "silent": the request does not arrive either; "pass"
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Address = Path | tuple[str, int]
Manner = Literal["pass", "lost", "silent"]


@dataclass
class Relay:
    """Where it listens, and how it treats what comes in from now on; a connection keeps its manner."""

    address: Address
    manner: Manner = "pass"
    _over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def relay(target: Address, listens: Address = ("127.0.0.1", 0)) -> Iterator[Relay]:
    """Run a relay while the context is open."""
    with _socket(listens) as listener:
        listener.bind(str(listens) if isinstance(listens, Path) else listens)
        listener.listen(32)
        running = Relay(listens if isinstance(listens, Path) else listener.getsockname())
        threading.Thread(target=_serve, args=(listener, target, running), daemon=True).start()
        try:
            yield running
        finally:
            running._over.set()
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


def _serve(listener: socket.socket, target: Address, running: Relay) -> None:
    while not running._over.is_set():
        try:
            client, _ = listener.accept()
        except OSError:
            return
        arguments = (client, target, running, running.manner)
        threading.Thread(target=_connection, args=arguments, daemon=True).start()


def _connection(client: socket.socket, target: Address, running: Relay, manner: Manner) -> None:
    with client, _socket(target) as server:
        if manner == "silent":
            running._over.wait(30.0)
            return
        server.connect(str(target) if isinstance(target, Path) else target)
        back = threading.Thread(target=_copy, args=(server, client, manner == "lost", running), daemon=True)
        back.start()
        _copy(client, server, False, running)
        back.join(30.0)


def _copy(source: socket.socket, sink: socket.socket, swallow: bool, running: Relay) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            if not swallow:
                sink.sendall(part)
        if swallow:
            running._over.wait(30.0)
        else:
            sink.shutdown(socket.SHUT_WR)


def _socket(address: Address) -> socket.socket:
    family = socket.AF_UNIX if isinstance(address, Path) else socket.AF_INET
    return socket.socket(family, socket.SOCK_STREAM)
