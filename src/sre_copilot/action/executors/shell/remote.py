"""Commands on other machines, by SSH: one connection a command, to a host that proves its key."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sre_copilot.action.executor import ActionError
from sre_copilot.action.executors.common import one_line
from sre_copilot.action.executors.shell.ran import MOST_BYTES, Limits, Ran, unfinished
from sre_copilot.action.executors.shell.settings import SshAccess, SshHost

if TYPE_CHECKING:
    import asyncssh

POLL_S = 0.1


class RemoteShell:
    """Runs commands on the machines of the settings."""

    def __init__(self, access: SshAccess) -> None:
        self._access = access
        self._hosts = {each.name: each for each in access.hosts}

    def run(self, words: Sequence[str], limits: Limits, *, host: str = "") -> Ran:
        """Run a command to its end; each word arrives as it is, whatever is in it."""
        if host not in self._hosts:
            known = ", ".join(self._hosts)
            raise ActionError(f"{host}: is no host of the settings; there are: {known}", effect="none")
        return asyncio.run(self._run(self._hosts[host], words, limits))

    async def _run(self, host: SshHost, words: Sequence[str], limits: Limits) -> Ran:
        ssh = _library()
        until = time.monotonic() + limits.seconds
        connection = await self._connect(ssh, host, until)
        try:
            if limits.cancelled():
                raise ActionError(f"{host.name}: called off before anything was changed", effect="none")
            return await self._command(ssh, connection, words, limits, host=host.name, until=until)
        finally:
            connection.abort()

    async def _connect(self, ssh: Any, host: SshHost, until: float) -> asyncssh.SSHClientConnection:
        seconds = max(0.1, min(self._access.connect_seconds, until - time.monotonic()))
        try:
            async with asyncio.timeout(seconds):
                found: asyncssh.SSHClientConnection = await ssh.connect(
                    host.address or host.name, host.port, **self._options(host)
                )
                return found
        except ssh.HostKeyNotVerifiable:
            problem, retry = "its key is not that in known_hosts; find out why before you add it", False
        except ssh.PermissionDenied:
            problem, retry = "it does not let this account in; check username, key and password", False
        except ssh.KeyImportError:
            problem, retry = "key_file cannot be read or opened; check file and passphrase", False
        except TimeoutError:
            problem, retry = f"no connection within {seconds:.1f} s", True
        except (OSError, ssh.Error) as error:
            retry = not isinstance(error, FileNotFoundError)
            problem = f"no connection ({type(error).__name__}{'' if retry else ': known_hosts or key_file'})"
        raise ActionError(f"{host.name}: {problem}", effect="none", retry=retry)

    def _options(self, host: SshHost) -> dict[str, Any]:
        access = self._access
        return {
            "username": host.username or access.username,
            "known_hosts": str(access.known_hosts),
            "client_keys": [str(access.key_file)] if access.key_file else None,
            "passphrase": access.passphrase.get_secret_value() if access.passphrase else None,
            "password": access.password.get_secret_value() if access.password else None,
            "config": None,
            "agent_path": None,
        }

    async def _command(
        self, ssh: Any, connection: Any, words: Sequence[str], limits: Limits, *, host: str, until: float
    ) -> Ran:
        why = "the connection broke before its end"
        with contextlib.suppress(OSError, ssh.Error):
            process = await connection.create_process(shlex.join(words), stdin=ssh.DEVNULL, encoding=None)
            reading = asyncio.gather(_read(process.stdout), _read(process.stderr), process.wait_closed())
            why = await _await(reading, limits, until)
            if not why and process.exit_status is not None and process.exit_status >= 0:
                (out, cut), (err, more), _ = reading.result()
                return Ran(process.exit_status, out, err, cut or more)
            with contextlib.suppress(OSError, ssh.Error):
                process.terminate()
            why = why or f"was ended there ({one_line(str(process.exit_signal))})"
        raise unfinished(host, words, limits, why)


async def _await(reading: asyncio.Future[Any], limits: Limits, until: float) -> str:
    """'' when it has ended, else why it is not waited for any longer."""
    why = ""
    while not why and not reading.done():
        await asyncio.wait({reading}, timeout=POLL_S)
        if limits.cancelled():
            why = "called off while it ran, and told to end"
        elif time.monotonic() > until and not reading.done():
            why = f"did not end within {limits.seconds:.1f} s, and was told to"
    if why:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    else:
        reading.result()
    return why


async def _read(stream: Any) -> tuple[str, bool]:
    """The beginning of what it says; the rest is read and dropped, so that it is not held up."""
    kept, cut = bytearray(), False
    while part := await stream.read(65536):
        cut = cut or len(kept) + len(part) > MOST_BYTES
        kept += part[: MOST_BYTES - len(kept)]
    return kept.decode("utf-8", "replace"), cut


def _library() -> Any:
    try:
        import asyncssh  # noqa: PLC0415 - an extra
    except ImportError:
        raise ActionError(
            "SSH needs another package: pip install 'sre-copilot[actions]'", effect="none"
        ) from None
    return asyncssh
