"""The program `git`: run without a shell, without the user's or the machine's configuration, and never asking anybody."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sre_copilot.action.executor import ActionError, Call
from sre_copilot.action.executors.common import left
from sre_copilot.action.executors.git.settings import GitExecutorSettings, scheme_of

POLL_S = 0.1
LOCAL_S = 20.0  # for what reaches no server: milliseconds, unless the disk is in trouble
ALWAYS = ("-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "protocol.version=2", "-c", "http.followRedirects=false", "-c", "credential.helper=", "-c", "commit.gpgSign=false", "-c", "core.quotePath=false")  # fmt: skip
REFUSED = re.compile(r"^!\t", re.MULTILINE)
DENIED = ("Authentication failed", "could not read Username", "Permission denied", "403", "401", "Host key verification failed", "not found", "dubious ownership", "does not appear to be a git repository")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """What it printed, without the end of the last line."""
        return self.out.decode("utf-8", "replace").rstrip("\n")


class Git:
    """Runs git in one bare repository."""

    def __init__(self, settings: GitExecutorSettings, folder: Path) -> None:
        self._name, self._folder, self._most = settings.name, folder, settings.timeout_seconds
        self._environment = _environment(settings, folder)

    def local(self, *words: str, call: Call | None, given: bytes = b"", more: Mapping[str, str] = {}) -> Said:
        """Run what reaches no server."""
        return self._run(words, left(call, self._name, most=LOCAL_S), None, given, more, effect="none")

    def must(self, *words: str, call: Call | None, given: bytes = b"", more: Mapping[str, str] = {}) -> str:
        """Run what reaches no server, and what cannot fail unless the disk or git itself does."""
        said = self.local(*words, call=call, given=given, more=more)
        if said.code:
            raise ActionError(f"{self._name}: git {words[0]} failed here; look at disk and version of git", effect="none")  # fmt: skip
        return said.text

    def remote(self, *words: str, call: Call | None) -> Said:
        """Read from the server.

        Raises
        ------
        ActionError : when it cannot be reached (may be tried again), or refuses (may not)
        """
        said = self._run(words, left(call, self._name, most=self._most), call, b"", {}, effect="none")
        if said.code and "couldn't find remote ref" not in said.err:
            denied = any(each in said.err for each in DENIED)
            hint = "check url, token or key, and rights" if denied else "check the address, and that it runs"
            raise ActionError(f"{self._name}: no connection to the repository; {hint}", effect="none", retry=not denied)  # fmt: skip
        return said

    def push(self, commit: str, branch: str, call: Call) -> bool:
        """Push, never by force: False when the branch has moved on.

        Raises
        ------
        ActionError : refused by the server (nothing was done), or nobody knows
        """
        words = ("push", "--porcelain", "origin", f"{commit}:refs/heads/{branch}")
        said = self._run(words, left(call, self._name, most=self._most), call, b"", {}, effect="unknown")
        if not said.code:
            return True
        answer = said.text
        if REFUSED.search(answer) and "[remote rejected]" not in answer:
            return False
        if "[remote rejected]" in answer:
            raise ActionError(f"{self._name}: the server refuses the push to {branch}; look at its rules for the branch, and at the rights of the account", effect="none")  # fmt: skip
        raise ActionError(f"{self._name}: the push was broken off; nobody knows whether it arrived", effect="unknown", retry=True)  # fmt: skip

    def _run(
        self,
        words: Sequence[str],
        seconds: float,
        call: Call | None,
        given: bytes,
        more: Mapping[str, str],
        *,
        effect: str,
    ) -> Said:
        until = time.monotonic() + seconds
        process = self._begun(words, more)
        wanted: bytes | None = given
        while True:
            try:
                out, err = process.communicate(
                    wanted, timeout=min(POLL_S, max(0.0, until - time.monotonic()))
                )
                return Said(process.returncode, out, err.decode("utf-8", "replace"))
            except subprocess.TimeoutExpired:
                wanted = None
            off = call is not None and call.cancelled()
            if off or time.monotonic() >= until:
                _end(process)
                why = "was called off" if off else f"did not end within {seconds:.1f} s"
                raise ActionError(f"{self._name}: git {words[0]} {why}", effect=effect, retry=not off)

    def _begun(self, words: Sequence[str], more: Mapping[str, str]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603 - a list of words, and no shell
                ["git", *ALWAYS, *words],  # noqa: S607 - where it lies is the machine's matter
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._environment | dict(more),
                cwd=self._folder,
                start_new_session=True,
            )
        except OSError as error:
            raise ActionError(f"{self._name}: git cannot be run here ({error.strerror}); install it", effect="none") from None  # fmt: skip


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _environment(settings: GitExecutorSettings, folder: Path) -> dict[str, str]:
    """All that git gets to know; the token is in no list of processes."""
    found = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(folder),
        "LC_ALL": "C",
        "GIT_DIR": str(folder),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ALLOW_PROTOCOL": scheme_of(settings.url),
        "GIT_SSH_COMMAND": _ssh(settings),
        "GIT_SSH_VARIANT": "ssh",
        "GIT_LITERAL_PATHSPECS": "1",
    }
    for role in ("AUTHOR", "COMMITTER"):
        found |= {f"GIT_{role}_NAME": settings.author_name, f"GIT_{role}_EMAIL": settings.author_email}
    if settings.token:
        login = f"{settings.username}:{settings.token.get_secret_value()}".encode()
        header = f"Authorization: Basic {base64.b64encode(login).decode()}"
        found |= {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": header,
        }
    return found


def _ssh(settings: GitExecutorSettings) -> str:
    words = ["ssh", "-F", "/dev/null", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
    words += ["-o", f"UserKnownHostsFile={settings.known_hosts or '/dev/null'}"]
    if settings.ssh_key_file:
        words += ["-i", str(settings.ssh_key_file), "-o", "IdentitiesOnly=yes"]
    return shlex.join(words)
