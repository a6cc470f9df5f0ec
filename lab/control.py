"""How a running process is told to change: a small JSON file, re-read on SIGHUP."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

VERSION_VARIABLE = "LAB_VERSION"  # of a pod: what its template says, and no file can change
DEFECTS_VARIABLE = "LAB_DEFECTS"


@dataclass(frozen=True, slots=True)
class Release:
    """The code that a service runs: its version, and the defects that came with it or befell it."""

    version: str
    defects: tuple[str, ...] = ()


def path_of(folder: str | Path, process: str) -> Path:
    """The control file of a process."""
    return Path(folder) / f"{process}.control.json"


def write(path: Path, content: Any) -> None:
    """Replace a control file in one step, so that a reader never meets half of it."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(content), encoding="utf-8")
    draft.replace(path)


def write_release(folder: str | Path, service: str, release: Release) -> None:
    """Store the release that a service shall run."""
    write(path_of(folder, service), asdict(release))


def read_release(folder: str | Path, service: str) -> Release:
    """Read the release that a service shall run."""
    content = json.loads(path_of(folder, service).read_text(encoding="utf-8"))
    return Release(content["version"], tuple(content["defects"]))


def own_release(folder: str | Path, service: str) -> Release:
    """The release that this process runs: its pod's, with what befell it besides, else what the file says."""
    told = read_release(folder, service)
    if VERSION_VARIABLE not in os.environ:
        return told
    came_with_it = filter(None, os.environ.get(DEFECTS_VARIABLE, "").split(","))
    return Release(os.environ[VERSION_VARIABLE], tuple(dict.fromkeys((*came_with_it, *told.defects))))


def on_hangup(act: Callable[[], None]) -> None:
    """Call `act` inside the running event loop whenever the process gets SIGHUP."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, act)
