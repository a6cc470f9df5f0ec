"""What of workflows is lost or doubled when the process that runs them is killed.

python -m benchmarks.workflow_kills --kills 150 --database sqlite         kill -9 at random instants
python -m benchmarks.workflow_kills --kills 150 --database postgresql     the same with two workers on a PostgreSQL that is started for it

It prints one table; 1 when something is there that must not be.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.durability.alerting_outages import postgres
from tests.durability.workflow_kills import Found, killed

RUNS = 20  # at once; when all are over before the last kill, as many again are started


def main(argv: Sequence[str] | None = None) -> int:
    """Run it and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workflow_kills", description=__doc__.splitlines()[0])  # type: ignore[union-attr]  # fmt: skip
    parser.add_argument("--kills", type=int, default=150)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(argv)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)  # PostgreSQL runs as a user of its own
        found = _run(chosen, Path(name))
    for what, value in found.figures.items():
        print(f"{what:32} {value:g}")
    print(f"{'seconds':32} {time.monotonic() - began:.0f}")
    for each in found.wrong:
        print(f"WRONG  {each}")
    return int(bool(found.wrong))


def _run(chosen: argparse.Namespace, folder: Path) -> Found:
    if chosen.database == "sqlite":
        return killed(folder, kills=chosen.kills, runs=RUNS, seed=chosen.seed, note=_note)
    work = folder / "work"
    work.mkdir()
    with postgres(folder / "pg") as server:
        return killed(
            work, kills=chosen.kills, runs=RUNS, url=server.url, seed=chosen.seed, workers=2, note=_note
        )


def _note(done: int) -> None:
    print(f"\r{done} kills", end="\r", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
