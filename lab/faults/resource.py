"""Resources of a service run out: CPU, memory, connections of its pool, room on its volume."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.faults.fault import Fault, Scene
from lab.layout import CALLS, SERVICES

FILL_BYTES = 1_000_000


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
    """Fill a volume to the last byte; where it is no file system of its own, let the file be `/dev/full`."""
    if os.path.ismount(volume):
        dump = volume / "core.dump"
        try:
            _write_until_full(dump)
            yield
        finally:
            dump.unlink()
        return
    original, kept = volume / file, volume / f"{file}.kept"
    original.touch()
    original.replace(kept)
    original.symlink_to("/dev/full")
    try:
        yield
    finally:
        kept.replace(original)


def _write_until_full(path: Path) -> None:
    size = FILL_BYTES
    with path.open("ab", buffering=0) as file:
        while size:
            try:
                file.write(b"\0" * size)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                size //= 2


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
