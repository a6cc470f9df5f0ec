"""Fault-free telemetry of the same system, which several cases may share."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from sre_copilot.domain.signals import Telemetry
from sre_copilot.errors import BadCaseError
from sre_copilot.perception.case_format.remarks import Remark, within
from sre_copilot.perception.case_format.telemetry import FILES, read_telemetry

KEPT = 2  # baselines held in memory: cases of one system come one after the other; two days of metrics are about 15 MB

Baseline = tuple[Telemetry, tuple[Remark, ...]]


def locate(folder: Path, name: str) -> Path | None:
    """Resolve `baselines/<name>` against the folder above `cases/`, else against the case; None when it is absent.

    Raises
    ------
    BadCaseError : when the path or a link on it leaves the folder that it is resolved against
    """
    for base in (folder.parent.parent, folder):
        try:
            path = (base / name).resolve()
            found = path.is_dir()
        except (OSError, RuntimeError, ValueError) as error:
            remedy = "expected: baselines/<name>"
            raise BadCaseError(
                "case.json", f"cannot be resolved: {error}", field="baseline", remedy=remedy
            ) from error
        if Path(name).is_absolute() or path == base or not path.is_relative_to(base):
            problem = f"'{name}' leaves the collection of cases"
            remedy = "expected: baselines/<name>, a folder beside cases/ or inside the case"
            raise BadCaseError("case.json", problem, field="baseline", remedy=remedy)
        if found:
            return path
    return None


def read_baseline(path: Path, name: str) -> Baseline:
    """Read a baseline, from memory where its files have not changed since."""
    stamp = tuple(
        (file, status.st_mtime_ns, status.st_size, status.st_ino)
        for file in FILES
        if (path / file).exists()
        for status in [(path / file).stat()]
    )
    folder = name.strip("/")
    try:
        telemetry, remarks = _read(path, stamp)
    except BadCaseError as error:
        raise from_above(f"{folder}/", error) from error
    return telemetry, within(folder, remarks)


def from_above(prefix: str, error: BadCaseError) -> BadCaseError:
    """The same error, its file named from a folder above."""
    return BadCaseError(
        prefix + error.file, error.problem, remedy=error.remedy, field=error.field, row=error.row
    )


@lru_cache(maxsize=KEPT)
def _read(path: Path, stamp: tuple[tuple[str, int, int, int], ...]) -> Baseline:
    return read_telemetry(path)
