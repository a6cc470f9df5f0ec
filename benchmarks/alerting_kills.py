"""What of alerts and messages is lost or doubled when the process that works them off is killed, stopped, or left without its store.

python -m benchmarks.alerting_kills --kills 300 --database sqlite         kill -9 of `serve` at random instants under load
python -m benchmarks.alerting_kills --kills 300 --database postgresql     the same on a PostgreSQL that is started for it
python -m benchmarks.alerting_kills --takeovers 10                        two workers on PostgreSQL, the leader is killed: seconds until the other decides
python -m benchmarks.alerting_kills --woken 5                             the leader is stopped until the other leads, and woken
python -m benchmarks.alerting_kills --outage 10 --database postgresql     the database is away for so many seconds; with sqlite, its disk is full (needs root)

It prints one table; 1 when something is there that must not be. Beside random instants, `--seed` makes a run the same again as far as a machine does so.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.durability.alerting_check import Found
from tests.durability.alerting_outages import database_away, disk_full, postgres
from tests.durability.alerting_takeover import taken_over, woken
from tests.durability.alerting_world import killed


def main(argv: Sequence[str] | None = None) -> int:
    """Run one of them and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alerting_kills", description=__doc__.splitlines()[0])  # type: ignore[union-attr]  # fmt: skip
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--kills", type=int, default=300, help="kills of `serve` under load")
    what.add_argument("--takeovers", type=int, help="kills of the leading one of two workers")
    what.add_argument("--woken", type=int, help="times that the leading one of two workers is stopped")
    what.add_argument("--outage", type=float, help="seconds without a store")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(argv)
    began = time.monotonic()
    with _folder() as folder:
        found = _run(chosen, folder)
    for name, value in found.figures.items():
        print(f"{name:48} {value:g}")
    print(f"{'seconds':48} {time.monotonic() - began:.0f}")
    for each in found.wrong:
        print(f"WRONG  {each}")
    return int(bool(found.wrong))


def _run(chosen: argparse.Namespace, folder: Path) -> Found:
    if chosen.takeovers or chosen.woken:
        with postgres(folder / "pg") as server:
            run = taken_over if chosen.takeovers else woken
            times = chosen.takeovers or chosen.woken
            seconds, found = run(folder, server.url, times=times, seed=chosen.seed)
        found.figures["take-overs"] = len(seconds)
        found.figures["take-over, median s"] = statistics.median(seconds)
        found.figures["take-over, longest s"] = max(seconds)
        return found
    if chosen.database == "sqlite":
        if chosen.outage:
            return disk_full(folder, seconds=chosen.outage)
        return killed(folder, kills=chosen.kills, seed=chosen.seed, note=_note)
    with postgres(folder / "pg") as server:
        if chosen.outage:
            return database_away(folder, server, seconds=chosen.outage)
        return killed(folder, kills=chosen.kills, url=server.url, seed=chosen.seed, note=_note)


def _note(done: int) -> None:
    print(f"\r{done} kills", end="\r", file=sys.stderr, flush=True)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as a user of its own
        yield folder


if __name__ == "__main__":
    sys.exit(main())
