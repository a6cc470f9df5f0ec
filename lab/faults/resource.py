"""Resources of a service run out: CPU, memory, connections of its pool, room on its volume."""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from lab.faults.fault import Fault, Scene
from lab.layout import CALLS, SERVICES

FILL_BYTES = 1_000_000
DUMP = "core.dump"
FOLLOW_S = 0.1  # room is back as soon as the dump is gone


@contextmanager
def _hog(scene: Scene) -> Iterator[None]:
    with _afflicted(scene, "hog"):
        yield


@contextmanager
def _leak(scene: Scene) -> Iterator[None]:
    with _afflicted(scene, "leaks"):
        yield


@contextmanager
def _hoard(scene: Scene) -> Iterator[None]:
    with _afflicted(scene, "hoards"):
        yield


@contextmanager
def _afflicted(scene: Scene, defect: str) -> Iterator[None]:
    scene.shop.afflict(scene.service, defect)
    scene.shop.befallen(scene.service)
    try:
        yield
    finally:
        scene.shop.afflict(scene.service)


def _restart(scene: Scene) -> None:
    """What a process has leaked it gives back only by ending; supervisor starts it again."""
    scene.shop.signal(scene.service, signal.SIGTERM)


@contextmanager
def _fill(scene: Scene) -> Iterator[None]:
    with full(scene.shop.folder / "volume", "labels.jsonl"):
        yield


@contextmanager
def full(volume: Path, file: str) -> Iterator[None]:
    """Fill a volume to the last byte by a dump, which may be gone when this ends; where it is no file system of its own, the file is `/dev/full` as long as the dump is there."""
    dump = volume / DUMP
    fill = _write_until_full if os.path.ismount(volume) else partial(_as_if_full, volume / file)
    try:
        with fill(dump):
            yield
    finally:
        dump.unlink(missing_ok=True)


@contextmanager
def _as_if_full(file: Path, dump: Path) -> Iterator[None]:
    """Refuse what is written to a file while there is a dump."""
    over = threading.Event()
    dump.write_bytes(b"\0" * FILL_BYTES)
    _refuse(file)

    def follow() -> None:
        while not over.wait(FOLLOW_S):
            _refuse(file) if dump.exists() else _accept(file)

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        _accept(file)


def _refuse(file: Path) -> None:
    """Put `/dev/full` in the place of a file, in one step: somebody writes to it."""
    if file.is_symlink():
        return
    file.touch()
    _kept(file).unlink(missing_ok=True)
    _kept(file).hardlink_to(file)
    draft = file.with_suffix(".draft")
    draft.symlink_to("/dev/full")
    draft.replace(file)


def _accept(file: Path) -> None:
    if file.is_symlink():
        _kept(file).replace(file)


def _kept(file: Path) -> Path:
    return file.with_name(f"{file.name}.kept")


@contextmanager
def _write_until_full(path: Path) -> Iterator[None]:
    size = FILL_BYTES
    with path.open("ab", buffering=0) as file:
        while size:
            try:
                file.write(b"\0" * size)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                size //= 2
    yield


_DATABASE_USERS = tuple(name for name in ("inventory", *SERVICES) if "postgres" in CALLS[name])

FAULTS = (
    Fault(
        "cpu-hog", "resource/cpu", ("catalogue", *SERVICES[1:]),
        "six threads of a runaway job burn CPU inside the service's process",
        "process_cpu_ratio of the service near 1, all of its answers slow, gaps on the edges into and out of it",
        _hog,
    ),
    Fault(
        "memory-leak", "resource/memory", ("cart", *SERVICES[1:]),
        "the process keeps 5 MB more each second until its address space (RLIMIT_AS) is used up",
        "process_resident_memory_bytes climbs without pause, then MemoryError in the log, and connections closed without an answer",
        _leak,
        mend=_restart,
    ),
    Fault(
        "pool-exhausted", "resource/pool", _DATABASE_USERS,
        "a job inside the service takes all connections of its pool and does not give them back",
        "db_pool_in_use at db_pool_max, db_pool_waiting above 0, PoolTimeout after a second",
        _hoard,
    ),
    Fault(
        "disk-full", "resource/disk", ("shipping",),
        "a dump fills the service's volume (a small tmpfs as root, else /dev/full in the place of the file)",
        "disk_used_ratio at 1, every write fails with `[Errno 28] No space left on device`",
        _fill,
    ),
)  # fmt: skip
