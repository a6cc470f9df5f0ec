"""Reading a recorded case: one folder an incident, as `docs/reference/case-format.md` describes it.

`truth.json` is never opened.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Modality, Telemetry
from sre_copilot.domain.topology import Topology
from sre_copilot.errors import BadCaseError, UsageError
from sre_copilot.perception.case_format.baseline import locate, read_baseline
from sre_copilot.perception.case_format.case_files import read_json
from sre_copilot.perception.case_format.coverage import coverage
from sre_copilot.perception.case_format.documents import check, incident, topology
from sre_copilot.perception.case_format.remarks import Remark, gaps, remark
from sre_copilot.perception.case_format.telemetry import read_telemetry, recorded


def read_case(folder: Path) -> tuple[Observation, tuple[Remark, ...]]:
    """Read a case; return what may be looked at, and all that the reader has to say."""
    folder = existing(folder)
    facts = read_facts(folder)
    about, said = incident(facts)
    edges, drawn = read_topology(folder)
    current, told = read_telemetry(folder)
    reference, compared = read_reference(folder, facts, current)
    seen = coverage(facts, about, current, has_topology=edges is not None)
    remarks = (*said, *drawn, *told, *compared, *seen)
    observation = Observation(
        incident=about,
        current=current,
        reference=reference,
        topology=edges or Topology(),
        gaps=gaps(remarks),
    )
    return observation, remarks


def existing(folder: Path) -> Path:
    """Return the folder's true path."""
    try:
        if folder.is_dir():
            return folder.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise BadCaseError(str(folder), f"cannot be looked at: {error}", remedy="name a folder") from error
    problem = "is no folder" if folder.exists() else "does not exist"
    raise BadCaseError(str(folder), problem, remedy="name the folder of a recorded incident")


def read_facts(folder: Path) -> dict[str, Any]:
    """Read `case.json`, checked."""
    facts = read_json(folder, "case.json")
    if facts is None:
        raise no_facts(folder)
    check("case", facts)
    found: dict[str, Any] = facts
    return found


def no_facts(folder: Path) -> BadCaseError:
    """The error for a folder without `case.json`."""
    remedy = 'write at least {"id": "…"}; the folder holds no recorded incident without it'
    return BadCaseError("case.json", f"is missing in {folder}", remedy=remedy)


def one_case(folder: Path) -> None:
    """Refuse a folder that holds folders of cases and is none itself.

    Raises
    ------
    UsageError : names the first of them
    """
    try:
        found = [] if (folder / "case.json").exists() else cases_below(folder)
    except OSError:  # the reader says what is wrong with the folder
        return
    if found:
        raise UsageError(
            f"{folder} holds {len(found)} case{'s' if len(found) > 1 else ''}; name one of them, for example {found[0]}"
        )


def cases_below(folder: Path) -> list[Path]:
    """Folders of the cases in a folder, or in its subfolder `cases`, by name."""
    for home in (folder, folder / "cases"):
        if found := sorted(path.parent for path in home.glob("*/case.json")):
            return found
    return []


def read_topology(folder: Path) -> tuple[Topology | None, tuple[Remark, ...]]:
    """Read `topology.json`; None when it was not recorded."""
    document = read_json(folder, "topology.json")
    if document is None:
        return None, ()
    check("topology", document)
    return topology(document)


def read_reference(
    folder: Path, facts: dict[str, Any], current: Telemetry
) -> tuple[Telemetry | None, tuple[Remark, ...]]:
    """Read the baseline that `case.json` names; None when it names none, or, remarked, one that is absent."""
    name = facts.get("baseline")
    if not name:
        return None, ()
    path = locate(folder, name)
    if path is not None:
        telemetry, remarks = read_baseline(path, name)
        if recorded(telemetry):
            return telemetry, remarks
    modality: Modality = next(iter(recorded(current)), "metrics")
    return None, (remark("gap.reader.baseline_absent", modality, "case.json", field="baseline", name=name),)
