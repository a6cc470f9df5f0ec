"""What `case check` notes about a case that can be read: slips that cost the answer and raise no error."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Telemetry
from sre_copilot.perception.case_format.contents import TABLES as TABLES_OF_SERVICES
from sre_copilot.perception.case_format.documents import schema
from sre_copilot.perception.case_format.remarks import Remark, remark
from sre_copilot.perception.case_format.telemetry import FILES, recorded

DOCUMENTS = ("case.json", "topology.json", "truth.json")  # `truth.json` is for the scorer; it is not opened
NAMES_SHOWN = 3


def odd_fields(facts: dict[str, Any]) -> Iterator[Remark]:
    """Note fields of `case.json` that are not read, with the known name that may have been meant."""
    known = schema("case")["properties"]
    yield from _unknown(facts, known, "")
    alert = facts.get("alert")
    if isinstance(alert, dict):
        yield from _unknown(alert, known["alert"]["properties"], "alert.")


def odd_files(folder: Path) -> Iterator[Remark]:
    """Note files that are not read, with the one that they could become."""
    meant = {name.split(".")[0]: name for name in FILES}
    for child in sorted(folder.iterdir()):
        if child.name in (*FILES, *DOCUMENTS, "baselines"):
            continue
        name = meant.get(child.name.lower().split(".")[0])
        if name:
            yield remark("note.reader.file_to_convert", "metrics", child.name, name=name)
        else:
            yield remark("note.reader.file_unread", "metrics", child.name)


def nothing_recorded(current: Telemetry) -> Iterator[Remark]:
    """Note a case without any telemetry."""
    if not any(_height(getattr(current, name)) for name in recorded(current)):
        yield remark("note.reader.nothing_recorded", "metrics", "case.json")


def unseen_entities(observation: Observation) -> Iterator[Remark]:
    """Note entities of the topology that nothing was recorded of, and names that differ in upper and lower case alone."""
    names = _names(observation)
    drawn = observation.topology.entities
    missing = [entity for entity in drawn if entity not in names and not _is_told(entity, observation)]
    if not names or not missing:
        return
    folded = {name.casefold(): name for name in sorted(names)}
    near = [(entity, folded[entity.casefold()]) for entity in missing if entity.casefold() in folded]
    shown = [entity for entity, _ in near] or missing
    written = ", ".join(name for _, name in near[:NAMES_SHOWN])
    yield remark(
        "note.reader.entities_spelt" if near else "note.reader.entities_unseen",
        "topology",
        "topology.json",
        rows=len(missing),
        total=len(drawn),
        names=", ".join(shown[:NAMES_SHOWN]),
        written=written,
    )


def _unknown(found: dict[str, Any], known: dict[str, Any], prefix: str) -> Iterator[Remark]:
    for name in sorted(set(found) - set(known)):
        near = get_close_matches(name.lower(), sorted(set(known) - set(found)), n=1)
        if near:
            key = "note.reader.field_near"
            yield remark(key, "metrics", "case.json", field=prefix + name, near=prefix + near[0])
        else:
            yield remark("note.reader.field_unread", "metrics", "case.json", field=prefix + name)


def _height(part: Any) -> int:
    return int(part.height) if hasattr(part, "height") else len(part)


def _names(observation: Observation) -> set[str]:
    """Every service and instance of the tables, the baseline's too."""
    columns = [
        table[column]
        for telemetry in (observation.current, observation.reference)
        if telemetry is not None
        for name in TABLES_OF_SERVICES
        if (table := getattr(telemetry, name)) is not None
        for column in ("service", "instance")
        if column in table.columns
    ]
    return {name for column in columns for name in column.unique() if name}


def _is_told(entity: str, observation: Observation) -> bool:
    """Whether kubectl spoke of it."""
    return any(entity in text for text in (observation.current.state or {}).values())
