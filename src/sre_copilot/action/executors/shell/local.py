"""Commands on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from sre_copilot.action.executor import ActionError
from sre_copilot.action.executors.shell.ran import MOST_BYTES, Limits, Ran, unfinished

POLL_S = 0.05
GRACE_S = 1.0  # between the wish to end and the end


class LocalShell:
    """Runs commands as processes of their own group; `environment` is all that they get besides PATH, HOME and the language."""

    def __init__(self, *, environment: Mapping[str, str] | None = None, folder: Path | None = None) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "USER") if name in os.environ}
        self._environment = kept | dict(environment or {})
        self._folder = folder

    def run(self, words: Sequence[str], limits: Limits, *, host: str = "") -> Ran:
        """Run a command to its end."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            try:
                process = subprocess.Popen(  # noqa: S603 - words of the settings, and no shell
                    list(words),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    env=self._environment,
                    cwd=self._folder,
                    start_new_session=True,
                )
            except OSError as error:
                raise ActionError(
                    f"{words[0]} cannot be run here: {error.strerror}; install it, or correct the settings",
                    effect="none",
                ) from None
            self._wait(process, words, limits)
            (text, cut), (errors, more) = _read(out), _read(err)
            return Ran(process.returncode, text, errors, cut or more)

    def _wait(self, process: subprocess.Popen[bytes], words: Sequence[str], limits: Limits) -> None:
        until = time.monotonic() + limits.seconds
        try:
            while process.poll() is None:
                if limits.cancelled():
                    raise unfinished("local", words, limits, "called off while it ran, and ended")
                if time.monotonic() > until:
                    raise unfinished("local", words, limits, f"did not end within {limits.seconds:.1f} s")
                time.sleep(POLL_S)
        finally:
            if process.poll() is None:
                _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _read(file: IO[bytes]) -> tuple[str, bool]:
    file.seek(0)
    whole = file.read(MOST_BYTES + 1)
    return whole[:MOST_BYTES].decode("utf-8", "replace"), len(whole) > MOST_BYTES
