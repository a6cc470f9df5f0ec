"""Everything that is wrong or noteworthy about a recorded case, by file, row and field."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, TypeVar

from sre_copilot.errors import BadCaseError
from sre_copilot.perception.case_format.baseline import from_above, locate
from sre_copilot.perception.case_format.case_files import read_json, read_parquet
from sre_copilot.perception.case_format.contents import Content, contents
from sre_copilot.perception.case_format.documents import violations
from sre_copilot.perception.case_format.oddities import (
    nothing_recorded,
    odd_fields,
    odd_files,
    unseen_entities,
)
from sre_copilot.perception.case_format.reading import existing, no_facts, read_case, read_facts
from sre_copilot.perception.case_format.remarks import Remark, remark
from sre_copilot.perception.case_format.tables import problems
from sre_copilot.perception.columns import TABLES

Result = TypeVar("Result")
DOCUMENTS = ("case", "topology", "alerts", "changes")
CYCLE_SHOWN = 8


@dataclass(frozen=True, slots=True)
class CaseCheck:
    """The result for one case: problems make it unreadable, remarks say how the reader deals with
    oddities, and contents what it read."""

    folder: Path
    problems: tuple[BadCaseError, ...] = ()
    remarks: tuple[Remark, ...] = ()
    contents: tuple[Content, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the case can be investigated."""
        return not self.problems


def check_cases(folder: Path) -> Iterator[CaseCheck]:
    """Check one case, or each of a folder of cases (or of its `cases/`).

    Raises
    ------
    BadCaseError : when the folder holds no case
    """
    folder = existing(folder)
    for case in _cases(folder):
        yield check_case(case)


def check_case(folder: Path) -> CaseCheck:
    """Check one case: every document against its schema, every table against its columns, then the whole."""
    found = list(_problems(folder))
    if found:
        return CaseCheck(folder, tuple(found))
    try:
        observation, remarks = read_case(folder)
    except BadCaseError as error:
        return CaseCheck(folder, (error,))
    facts = read_facts(folder)
    noted = (
        *_cycle(observation.topology.edges),
        *odd_fields(facts),
        *nothing_recorded(observation.current),
        *unseen_entities(observation),
        *odd_files(folder),
    )
    read = contents(observation, baseline=facts.get("baseline") or "")
    return CaseCheck(folder, (), (*remarks, *noted), read)


def _cases(folder: Path) -> list[Path]:
    if (folder / "case.json").exists():
        return [folder]
    home = folder / "cases" if (folder / "cases").is_dir() else folder
    children = sorted(child for child in _children(home) if child.is_dir() and not child.name.startswith("."))
    if any((child / "case.json").exists() for child in children):
        return children
    remedy = "name the folder of a case, or one that holds folders of cases"
    raise BadCaseError("case.json", f"is neither in {folder} nor in a folder below", remedy=remedy)


def _children(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise BadCaseError(
            str(folder), f"cannot be listed: {error.strerror}", remedy="make it readable"
        ) from error


def _problems(folder: Path) -> Iterator[BadCaseError]:
    facts: Any = None
    for name in DOCUMENTS:
        document, error = _attempt(lambda name=name: read_json(folder, f"{name}.json"))  # type: ignore[misc]
        if error:
            yield error
        elif document is not None:
            yield from violations(name, document)
        elif name == "case":
            yield no_facts(folder)
        facts = document if name == "case" else facts
    yield from _table_problems(folder, "")
    yield from _baseline_problems(folder, facts)


def _table_problems(folder: Path, prefix: str) -> Iterator[BadCaseError]:
    for table in TABLES:
        raw, error = _attempt(lambda table=table: read_parquet(folder, table.file))  # type: ignore[misc]
        found = [error] if error else [] if raw is None else list(problems(raw, table))
        yield from (from_above(prefix, each) for each in found)


def _baseline_problems(folder: Path, facts: Any) -> Iterator[BadCaseError]:
    name = facts.get("baseline") if isinstance(facts, dict) else None
    if not isinstance(name, str) or not name:
        return
    path, error = _attempt(lambda: locate(folder, name))
    if error:
        yield error
    elif path is not None:
        yield from _table_problems(path, f"{name.strip('/')}/")


def _attempt(read: Callable[[], Result]) -> tuple[Result | None, BadCaseError | None]:
    try:
        return read(), None
    except BadCaseError as error:
        return None, error


def _cycle(edges: tuple[tuple[str, str], ...]) -> Iterator[Remark]:
    """Name one cycle of the topology; it is allowed, and worth a look."""
    graph: dict[str, list[str]] = {}
    for caller, callee in edges:
        graph.setdefault(caller, []).append(callee)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        chain = list(reversed(error.args[1]))[:CYCLE_SHOWN]  # the sorter lists callees first
        yield remark("note.reader.cycle", "topology", "topology.json", field="edges", path=" → ".join(chain))
