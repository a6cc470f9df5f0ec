"""`python3 dev.py bench [NAME…] [--json FILE] [--list] [--no-peers]`: measure, print a table, write JSON."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import benchmarks
from benchmarks.figure import Figure, PeerMissing, Peers
from benchmarks.peers_environment import PeersEnvironment


class NoPeers:
    """Stands for the peers where they are not wanted."""

    def run(self, script: str, *arguments: str) -> dict[str, Any]:
        """Say so."""
        raise PeerMissing("run without peers")


@dataclass(frozen=True, slots=True)
class Measured:
    """What one benchmark came to: a figure, or why there is none."""

    name: str
    about: str
    figure: Figure | None
    failure: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        if self.figure is None:
            return {"ours": None, "peer": None, "ratio": None, "of_limit": None, "failure": self.failure}
        figure = self.figure
        return {
            "ours": figure.ours,
            "peer": figure.peer,
            "ratio": figure.ratio,
            "of_limit": figure.of_limit,
            "unit": figure.unit,
            "detail": figure.detail,
        }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmarks that were named, or all; 1 when one failed, 2 for an unknown name."""
    parser = argparse.ArgumentParser(
        prog="dev.py bench", description="Measure speed, a peer beside each figure."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run; all without a name")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file")
    parser.add_argument("--list", action="store_true", help="list the benchmarks")
    parser.add_argument("--no-peers", action="store_true", help="measure ours alone; installs nothing")
    arguments = parser.parse_args(argv)
    known = available()
    if unknown := [name for name in arguments.names if name not in known]:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(known)}")
    chosen = {name: known[name] for name in arguments.names or known}
    if arguments.list:
        print("\n".join(f"{name:20} {module.ABOUT}" for name, module in known.items()))
        return 0
    measured = run(chosen.items(), NoPeers() if arguments.no_peers else PeersEnvironment())
    print_table(measured)
    if arguments.json:
        document = {each.name: each.as_dict() for each in measured}
        arguments.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return int(any(each.figure is None for each in measured))


def available() -> dict[str, ModuleType]:
    """The benchmarks of this package by name: its modules that have one."""
    names = sorted(each.name for each in pkgutil.iter_modules(benchmarks.__path__) if not each.ispkg)
    modules = [
        importlib.import_module(f"benchmarks.{name}") for name in names if name not in ("__main__", "figure")
    ]
    return {module.NAME: module for module in modules if hasattr(module, "measure")}


def run(chosen: Iterable[tuple[str, ModuleType]], peers: Peers) -> list[Measured]:
    """Measure one after the other; one that fails does not end the others, and is said."""
    measured = []
    for name, module in chosen:
        print(f"bench: {name}: {module.ABOUT}", file=sys.stderr, flush=True)
        try:
            measured.append(Measured(name, module.ABOUT, module.measure(peers)))
        except Exception as error:  # noqa: BLE001 - the top of a run: each failure is recorded, the others go on
            measured.append(Measured(name, module.ABOUT, None, f"{type(error).__name__}: {error}"))
    return measured


def print_table(measured: Sequence[Measured]) -> None:
    """One line a figure, its details below."""
    print(f"{'name':20} {'ours':>14} {'peer':>14} {'ratio':>10} {'of limit':>9}  unit")
    for each in measured:
        if each.figure is None:
            print(f"{each.name:20} failed: {each.failure}")
            continue
        figure = each.figure
        share = "-" if figure.of_limit is None else f"{figure.of_limit:.0%}"
        numbers = f"{_short(figure.ours):>14} {_short(figure.peer):>14} {_short(figure.ratio):>10} {share:>9}"
        print(f"{each.name:20} {numbers}  {figure.unit}")
        for name, value in figure.detail.items():
            print(f"    {name}: {value if isinstance(value, str) else _short(value)}")


def _short(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


if __name__ == "__main__":
    sys.exit(main())
