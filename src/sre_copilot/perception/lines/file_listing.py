"""Which files a source of files reads: those that its patterns name, and what rotation made of them."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG

GZIP = ".gz"
OTHER_PACKED = (".bz2", ".xz", ".zst", ".zip", ".lz4", ".tar", ".tgz")
"""Packed in a way that is not read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file as it was listed; `live` is a file that a pattern names, and that is neither packed nor a rotated copy of another."""

    path: Path
    device: int
    inode: int
    size: int
    modified: float
    live: bool

    @property
    def key(self) -> tuple[int, int]:
        """What stays the same when it is renamed."""
        return self.device, self.inode

    @property
    def packed(self) -> bool:
        """Whether it is gzip."""
        return self.path.suffix == GZIP


def listing(
    patterns: Sequence[str], excluded: Sequence[str], *, rotated: bool, known: Iterable[Path] = ()
) -> list[Entry]:
    """The files, the longest unchanged first, each once however many names it has.

    `known` are logs seen earlier: between rotation and the next line there may be no file of their name, but rotated ones.
    """
    every = sorted({each for pattern in patterns for each in matches(pattern)})
    named = {each for each in every if not any(fnmatch.fnmatch(str(each), pattern) for pattern in excluded)}
    found: dict[tuple[int, int], Entry] = {}
    for path in sorted(named):
        _add(
            found,
            path,
            live=path.suffix != GZIP and not any(path.parent / x in named for x in origins(path.name)),
        )
    logs = named | set(known) | {Path(each) for each in patterns if not glob.has_magic(each)}
    for path in sorted(logs) if rotated else ():
        for other in siblings(path):
            if other not in named:
                _add(found, other, live=False)
    return sorted(found.values(), key=lambda each: (each.modified, str(each.path)))


def matches(pattern: str) -> Iterator[Path]:
    """Files that a pattern names; a folder names the files in it."""
    expanded = os.path.expanduser(pattern)  # noqa: PTH111 - a pattern is no path
    if Path(expanded).is_dir():
        expanded = str(Path(expanded) / "*")
    for each in glob.iglob(expanded, recursive=True):  # noqa: PTH207 - absolute patterns
        path = Path(each)
        if path.is_file() and path.suffix not in OTHER_PACKED:
            yield path


def siblings(path: Path) -> Iterator[Path]:
    """Rotated files of a log file; where that is a link, those of the file that it leads to."""
    real = path.resolve()
    try:
        names = [each.name for each in os.scandir(real.parent)]
    except OSError:
        return
    for name in names:
        if is_rotated(name, real.name):
            yield real.parent / name


def is_rotated(name: str, live: str) -> bool:
    """Whether `name` is what rotation calls an older part of `live`: `x.log.1`, `x.log-20240101.gz`, `x-2024-01-01.0.log` …"""
    return live in origins(name)


@lru_cache(maxsize=65536)
def origins(name: str) -> frozenset[str]:
    """Names that a file may have had before rotation."""
    bare = name.removesuffix(GZIP)
    found = {bare} if bare != name else set()
    _, dot, ending = bare.rpartition(".")
    for cut in (place for place, letter in enumerate(bare) if letter in "._-" and place):
        if _NUMBERED.fullmatch(bare, cut):
            found.add(bare[:cut])
        middle = bare[cut : -len(dot + ending)] if dot else ""
        if _NUMBERED.fullmatch(middle) and sum(map(str.isdigit, middle)) >= DATE_DIGITS:
            found.add(bare[:cut] + dot + ending)
    return frozenset(found)


_NUMBERED = re.compile(r"[._-](?=.*\d)[\dT._:-]+|\.old")
DATE_DIGITS = 6  # before the suffix stands a date; fewer digits there number instances, not rotations


def _add(found: dict[tuple[int, int], Entry], path: Path, *, live: bool) -> None:
    try:
        stat = path.stat()
    except OSError:  # gone since it was listed
        return
    if not S_ISREG(stat.st_mode):  # to open a pipe of such a name would wait for a writer
        return
    entry = Entry(path, stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime, live)
    if entry.key not in found or live:
        found[entry.key] = entry


def related(one: Path, other: Path) -> bool:
    """Whether two names may be those of one log before and after rotation; links stand for what they lead to."""
    first, second = one.resolve(), other.resolve()
    names = ({first.name} | origins(first.name)) & ({second.name} | origins(second.name))
    return first.parent == second.parent and bool(names)


def unreadable(entries: Iterable[Entry]) -> list[Path]:
    """Files that we may not read."""
    return [each.path for each in entries if not os.access(each.path, os.R_OK)]
