"""An SSH server in this process that runs what it is told by `sh -c`, for one account with a key and a password.

with ssh_server(folder, password="…") as server:
    server.port, server.known_hosts, server.key_file, server.commands
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

USER = "someone"


@dataclass
class SshServer:
    """Where it listens, what opens it, and what it was told to run."""

    port: int
    known_hosts: Path
    key_file: Path
    commands: list[str] = field(default_factory=list)


@contextmanager
def ssh_server(
    folder: Path, *, password: str = "", environment: Mapping[str, str] | None = None
) -> Iterator[SshServer]:
    """Run it while the context is open; commands that still run at the end are killed."""
    import asyncssh  # noqa: PLC0415 - an extra

    folder.mkdir(parents=True, exist_ok=True)
    host_key, key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    key.write_private_key(folder / "id")
    (folder / "authorized").write_bytes(key.export_public_key())
    server = SshServer(0, folder / "known_hosts", folder / "id")
    running = _Running(server, dict(os.environ) | dict(environment or {}))
    loop, ready = asyncio.new_event_loop(), threading.Event()

    async def start() -> Any:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: _account(asyncssh, password),
            server_host_keys=[host_key],
            authorized_client_keys=str(folder / "authorized"),
            process_factory=running.process,
            encoding=None,
        )

    def serve() -> None:
        acceptor = loop.run_until_complete(start())
        server.port = acceptor.get_port()
        ready.set()
        loop.run_forever()
        acceptor.close()
        loop.run_until_complete(running.end())
        loop.run_until_complete(_cancelled(loop))
        loop.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    if not ready.wait(20):
        raise RuntimeError("the SSH server did not start")
    line = host_key.export_public_key().decode().strip()
    server.known_hosts.write_text(f"[127.0.0.1]:{server.port} {line}\n", encoding="utf-8")
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


def _account(asyncssh: Any, password: str) -> Any:
    class Account(asyncssh.SSHServer):  # type: ignore[misc]
        def begin_auth(self, username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return bool(password)

        def validate_password(self, username: str, given: str) -> bool:
            return username == USER and given == password

    return Account()


class _Running:
    def __init__(self, server: SshServer, environment: dict[str, str]) -> None:
        self._server, self._environment = server, environment
        self._processes: set[asyncio.subprocess.Process] = set()

    async def process(self, asked: Any) -> None:
        """Run one command; a wish to end it is passed on."""
        self._server.commands.append(asked.command)
        process = await asyncio.create_subprocess_shell(
            asked.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
            start_new_session=True,
        )
        self._processes.add(process)
        assert process.stdout is not None  # noqa: S101 - both are pipes
        assert process.stderr is not None  # noqa: S101
        copies = asyncio.gather(_copy(process.stdout, asked.stdout), _copy(process.stderr, asked.stderr))
        try:
            await copies
            code = await process.wait()
            asked.exit(code) if code >= 0 else asked.exit_with_signal(signal.Signals(-code).name[3:])
        except (OSError, asyncio.CancelledError):
            _kill(process)

    async def end(self) -> None:
        """Kill what still runs."""
        for each in self._processes:
            _kill(each)
        await asyncio.gather(*(each.wait() for each in self._processes))


async def _cancelled(loop: asyncio.AbstractEventLoop) -> None:
    """Connections that are still open have tasks; none of them is left behind."""
    tasks = asyncio.all_tasks(loop) - {asyncio.current_task()}
    for each in tasks:
        each.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _copy(source: asyncio.StreamReader, sink: Any) -> None:
    while part := await source.read(65536):
        sink.write(part)
        await sink.drain()


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
