"""Whether repairs survive the death of whoever carries them out: workers are killed, or stopped until others have taken over, and effects are counted where they were made.

python -m benchmarks.remediation_kills --kills 300 --database sqlite        kill -9 at random instants
python -m benchmarks.remediation_kills --kills 300 --database postgresql    the same on a PostgreSQL that is started for it
python -m benchmarks.remediation_kills --stops 10                           one of two workers on PostgreSQL is stopped until its leases are over, and woken

It prints one table; 1 when something is there that must not be.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.durability.alerting_outages import postgres
from tests.durability.remediation_kills import Found, World, killed, stopped
from tests.durability.remediation_worker import Work

WITHIN_S = 3600.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run one of them and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.remediation_kills", description=__doc__.splitlines()[0])  # type: ignore[union-attr]  # fmt: skip
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--kills", type=int, default=300, help="kills of the worker")
    what.add_argument("--stops", type=int, help="times that one of two workers is stopped; on PostgreSQL")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(argv)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        found = _run(chosen, Path(folder))
    for name, value in found.figures.items():
        print(f"{name:48} {value:g}")
    print(f"{'seconds':48} {time.monotonic() - began:.0f}")
    for each in found.wrong:
        print(f"WRONG  {each}")
    return int(bool(found.wrong))


def _run(chosen: argparse.Namespace, folder: Path) -> Found:
    if not chosen.stops and chosen.database == "sqlite":
        work = _work(folder, f"sqlite:///{folder / 'store.db'}", f"sqlite:///{folder / 'durable.sqlite'}")
        with _world(work) as world:
            return killed(world, kills=chosen.kills, seed=chosen.seed, within_s=WITHIN_S)
    with postgres(folder / "pg") as server, _world(_work(folder, server.url, server.url)) as world:
        if chosen.stops:
            return stopped(world, times=chosen.stops, seed=chosen.seed)
        return killed(world, kills=chosen.kills, seed=chosen.seed, within_s=WITHIN_S)


def _work(folder: Path, url: str, durable: str) -> Work:
    return Work(url=url, durable=durable, target=str(folder / "target.sqlite"), file=str(folder / "lines"))


@contextmanager
def _world(work: Work) -> Iterator[World]:
    world = World(work)
    try:
        yield world
    finally:
        world.close()


if __name__ == "__main__":
    sys.exit(main())
