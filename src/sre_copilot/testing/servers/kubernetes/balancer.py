"""What spreads the traffic of services over their ready pods: a TCP listener on the address of each, in turn to one pod after the other.

A service is served when its `clusterIP` is an address of this machine (127.0.0.0/8). A connection stays with its pod, as with kube-proxy.
"""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from sre_copilot.testing.servers.kubernetes.resources import Object

CONNECT_S = 1.0
CHUNK = 65_536
Place = tuple[str, int]


@dataclass
class _Listener:
    """One port of a service, and the pods behind it."""

    socket: socket.socket
    behind: list[Place] = field(default_factory=list)
    turn: int = 0


class Balancer:
    """All ports of all services that are served here."""

    def __init__(self) -> None:
        self._listeners: dict[Place, _Listener] = {}
        self._closed = False

    def follow(self, services: Sequence[Object], endpoints: Mapping[tuple[str, str], Object]) -> None:
        """Serve these services, and no others, over these pods."""
        wanted: dict[Place, list[Place]] = {}
        for each in services:
            address = str(each["spec"].get("clusterIP", ""))
            found = endpoints.get((each["metadata"]["namespace"], each["metadata"]["name"])) or {}
            if address.startswith("127."):
                for port in each["spec"].get("ports") or ():
                    wanted[address, int(port["port"])] = _behind(found, port)
        for place in set(self._listeners) - set(wanted):
            self._listeners.pop(place).socket.close()
        for place, behind in wanted.items():
            if place not in self._listeners:
                self._listen(place)
            if place in self._listeners:
                self._listeners[place].behind = behind

    def close(self) -> None:
        """Serve nothing any more."""
        self._closed = True
        for each in self._listeners.values():
            with suppress(OSError):
                each.socket.shutdown(socket.SHUT_RDWR)
            each.socket.close()

    def _listen(self, place: Place) -> None:
        try:
            opened = socket.create_server(place, backlog=128)
        except OSError:  # taken by somebody else: tried again with the next look
            return
        listener = self._listeners[place] = _Listener(opened)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: _Listener) -> None:
        while not self._closed:
            try:
                near, _ = listener.socket.accept()
            except OSError:
                return
            threading.Thread(target=_carry, args=(near, listener), daemon=True).start()


def _behind(found: Object, port: Object) -> list[Place]:
    """Addresses of the ready pods, with the port that they have for this port of the service."""
    return [
        (address["ip"], int(each["port"]))
        for subset in found.get("subsets") or ()
        for each in subset.get("ports") or ()
        if each.get("name", "") == port.get("name", "")
        for address in subset.get("addresses") or ()
    ]


def _carry(near: socket.socket, listener: _Listener) -> None:
    """Connect to the next pod that answers, and carry bytes both ways until one side ends."""
    with near:
        for _ in range(len(listener.behind)):
            listener.turn += 1
            place = listener.behind[listener.turn % len(listener.behind)]
            try:
                far = socket.create_connection(place, timeout=CONNECT_S)
            except OSError:
                continue
            with far, suppress(OSError):
                _pump(near, far)
            return


def _pump(near: socket.socket, far: socket.socket) -> None:
    far.settimeout(None)
    for each in (near, far):
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with selectors.DefaultSelector() as ready:
        ready.register(near, selectors.EVENT_READ, far)
        ready.register(far, selectors.EVENT_READ, near)
        while True:
            for key, _ in ready.select():
                source = key.fileobj
                data = source.recv(CHUNK)  # type: ignore[union-attr]  # both are sockets
                if not data:
                    return
                key.data.sendall(data)
