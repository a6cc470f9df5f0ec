"""Learned arrays on disk: memory-mapped, two generations, each with a version and a checksum.

A file is a line of JSON, padded to ALIGNMENT, and the arrays behind it, each at a multiple of ALIGNMENT. It is written beside the older
generation, brought to disk, and takes its place at once; what a power cut leaves half written is told by its checksum, and the other
generation is used and said.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from sre_copilot.errors import StoreError

FORMAT = "sre-copilot-arrays"
VERSION = 1  # of this format; a file of another version is not read
ALIGNMENT = 4096  # a page: each array can be mapped by itself
GENERATIONS = ("a", "b")
HEAD_BYTES = 20  # the length of the header and its checksum, in decimal and hexadecimal digits

Arrays = dict[str, NDArray[Any]]
_log = structlog.get_logger(__name__)


class DamagedError(StoreError):
    """A file of arrays is not what was written."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What was read: arrays mapped copy-on-write, what was said of them, which generation, and the generations that were damaged."""

    arrays: Arrays
    meta: dict[str, Any]
    generation: int
    damaged: tuple[str, ...] = ()


class ArrayStore:
    """Named groups of arrays in one folder. One writer at a time; readers keep what they have mapped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(
        self, name: str, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any] | None = None
    ) -> int:
        """Write a new generation and return its number; the one before it is kept, the one before that is replaced.

        Raises
        ------
        StoreError : when it cannot be written; what was there before is then still there
        """
        found = {path: _generation(path) for path in self._files(name)}
        target = min(self._files(name), key=lambda path: found[path])
        number = max(found.values()) + 1
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(
                target,
                number,
                {key: np.ascontiguousarray(each) for key, each in arrays.items()},
                dict(meta or {}),
            )
        except OSError as error:
            raise StoreError(
                f"{target} cannot be written: {error}; look at the space and the permissions of its folder"
            ) from error
        return number

    def load(self, name: str) -> tuple[Arrays, dict[str, Any]]:
        """Return the last good arrays, mapped, and what was said of them; a damaged generation is logged.

        Raises
        ------
        StoreError : when nothing was saved by that name, or no generation is good
        """
        stored = self.open(name)
        for damaged in stored.damaged:
            _log.warning("arrays_damaged", name=name, problem=damaged, used_generation=stored.generation)
        return stored.arrays, stored.meta

    def open(self, name: str) -> Stored:
        """Return the last good generation with the damage that was met on the way to it."""
        paths = [path for path in self._files(name) if path.exists()]
        if not paths:
            raise StoreError(f"{self.folder} holds no arrays '{name}'; they are learned first")
        damaged: list[str] = []
        # One whose number cannot be read may be the newest: it is tried first, and said.
        for path in sorted(paths, key=lambda path: _generation(path) or float("inf"), reverse=True):
            try:
                return _read(path, tuple(damaged))
            except DamagedError as error:
                damaged.append(str(error))
        raise StoreError(f"no good generation of arrays '{name}': {'; '.join(damaged)}. Learn them again")

    def has(self, name: str) -> bool:
        """Whether anything was saved by that name."""
        return any(path.exists() for path in self._files(name))

    def _files(self, name: str) -> list[Path]:
        if not name or not all(each.isalnum() or each in "-_." for each in name) or name.startswith("."):
            raise StoreError(f"'{name}' is no name of arrays: letters, digits, '-', '_' and '.'")
        return [self.folder / f"{name}.{each}.arrays" for each in GENERATIONS]


def _write(target: Path, number: int, arrays: Arrays, meta: dict[str, Any]) -> None:
    """Write beside, bring to disk, put in place, bring the folder to disk."""
    header = json.dumps(_header(number, arrays, meta), ensure_ascii=False).encode()
    first = _padded(HEAD_BYTES + len(header))
    beside = target.with_suffix(".writing")
    with beside.open("wb") as file:
        file.write(f"{len(header):011d} {zlib.crc32(header):08x}".encode() + header)
        at = first
        for array in arrays.values():
            file.seek(at)
            file.write(array.reshape(-1).view(np.uint8).data if array.size else b"")
            at += _padded(array.nbytes)
        file.truncate(at)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(target)
    _sync_folder(target.parent)


def _header(number: int, arrays: Arrays, meta: dict[str, Any]) -> dict[str, Any]:
    at, told = 0, []
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise StoreError(f"array '{name}' holds objects; numbers can be kept")
        check = _check(array)
        told.append({"name": name, "dtype": array.dtype.str, "shape": array.shape, "at": at, "crc32": check})
        at += _padded(array.nbytes)
    return {
        "format": FORMAT,
        "version": VERSION,
        "generation": number,
        "meta": meta,
        "arrays": told,
        "bytes": at,
    }


def _sync_folder(folder: Path) -> None:
    """Bring the new name itself to disk, where folders can be opened."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _check(array: NDArray[Any]) -> int:
    return zlib.crc32(array.reshape(-1).view(np.uint8).data) if array.size else 0


def _padded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _read_header(path: Path) -> tuple[dict[str, Any], int]:
    """Return the header and where the arrays begin."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            length, check = int(head[:11]), int(head[12:], 16)
            text = file.read(length)
    except OSError as error:
        raise DamagedError(f"{path.name} cannot be read: {error}") from error
    except ValueError as error:
        raise DamagedError(f"{path.name} does not begin like a file of arrays") from error
    if len(text) != length or zlib.crc32(text) != check:
        raise DamagedError(f"{path.name}: its header is torn")
    header: dict[str, Any] = json.loads(text)
    if header["format"] != FORMAT or header["version"] != VERSION:
        raise DamagedError(f"{path.name} is of version {header['version']}; this release reads {VERSION}")
    return header, _padded(HEAD_BYTES + length)


def _generation(path: Path) -> int:
    """Return the number of a file's generation, 0 where there is none that can be read."""
    try:
        return int(_read_header(path)[0]["generation"]) if path.exists() else 0
    except DamagedError:
        return 0


def _read(path: Path, damaged: tuple[str, ...]) -> Stored:
    header, first = _read_header(path)
    if path.stat().st_size != first + header["bytes"]:
        raise DamagedError(
            f"{path.name} has {path.stat().st_size} bytes; {first + header['bytes']} were written"
        )
    arrays = {}
    for told in header["arrays"]:
        array = _mapped(path, first + told["at"], np.dtype(told["dtype"]), tuple(told["shape"]))
        if _check(array) != told["crc32"]:
            raise DamagedError(f"{path.name}: array '{told['name']}' is torn")
        arrays[told["name"]] = array
    return Stored(arrays, header["meta"], int(header["generation"]), damaged)


def _mapped(path: Path, at: int, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    if 0 in shape:
        return np.empty(shape, dtype)
    # copy on write: compiled kernels want writable arrays, and what they write reaches no file
    return np.memmap(path, dtype, "c", at, shape)
