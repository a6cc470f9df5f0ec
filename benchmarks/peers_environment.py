"""The peers' own environment: `.venv-bench`, made from `benchmarks/requirements.txt` when first asked for."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.figure import PeerMissing

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / ".venv-bench"
SECONDS_TO_INSTALL = 900
SECONDS_TO_RUN = 1_800
ONE_CORE = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "POLARS_MAX_THREADS"),
    "1",
)
"""A peer gets one core, as we do."""


class PeersEnvironment:
    """Runs scripts of `benchmarks/peers/`; installs what they need once, and again when the requirements change."""

    def __init__(self, *, folder: Path = FOLDER, requirements: Path = HERE / "requirements.txt") -> None:
        self._folder = folder
        self._requirements = requirements
        self._failure: str | None = None

    def run(self, script: str, *arguments: str) -> dict[str, Any]:
        """Return the JSON document that a script printed last.

        Raises
        ------
        PeerMissing : when the environment cannot be made, or the script fails; with the reason
        """
        self._install()
        finished = _finished(
            [str(self._python), str(HERE / "peers" / script), *arguments],
            seconds=SECONDS_TO_RUN,
            environment={**os.environ, **ONE_CORE},
        )
        if finished.returncode:
            raise PeerMissing(f"{script} failed: {_last_line(finished.stderr)}")
        try:
            document: dict[str, Any] = json.loads(_last_line(finished.stdout))
        except ValueError as error:
            raise PeerMissing(f"{script} printed no JSON document: {error}") from error
        return document

    def wanted(self) -> str:
        """What the environment remembers when it has been made from these requirements by this interpreter."""
        return hashlib.sha256(self._requirements.read_bytes() + sys.version.encode()).hexdigest()

    @property
    def _python(self) -> Path:
        return self._folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def _install(self) -> None:
        if self._failure is None:
            self._failure = self._made()
        if self._failure:
            raise PeerMissing(self._failure)

    def _made(self) -> str:
        """Make the environment; the reason why not, or nothing."""
        wanted = self.wanted()
        mark = self._folder / "installed.sha256"
        if mark.exists() and mark.read_text() == wanted and self._python.exists():
            return ""
        print(f"bench: installing the peers into {self._folder.name} (once)", file=sys.stderr)
        venv.create(self._folder, with_pip=True, clear=True)
        pip = [str(self._python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        installed = _finished(
            [*pip, "--no-deps", "-r", str(self._requirements)],
            seconds=SECONDS_TO_INSTALL,
            environment=os.environ,
        )
        if installed.returncode:
            return f"the peers cannot be installed: {_last_line(installed.stderr)}"
        mark.write_text(wanted)
        return ""


def _finished(
    command: list[str], *, seconds: float, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=seconds, env=dict(environment)
        )
    except subprocess.TimeoutExpired as error:
        raise PeerMissing(f"{Path(command[1]).name} took longer than {seconds:.0f} s") from error


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "(it said nothing)"
