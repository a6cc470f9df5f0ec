"""Checks of telemetry: measures and columns that no source records are found before anybody waits for them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import polars as pl

from sre_copilot.domain.evidence import Query
from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.signals import Telemetry
from sre_copilot.domain.topology import Topology
from sre_copilot.evidence.selection import Selector, measures_of
from sre_copilot.perception.columns import DTYPES, STATE, TABLES
from sre_copilot.workflows.lint.remark import Remark, nearest, warning
from sre_copilot.workflows.providers import CheckCall, Measured
from sre_copilot.workflows.reading import Source

DETAIL = "detail."
"""How columns of changes begin that whoever tells of the change names."""


def measure_remarks(source: Source) -> Iterator[Remark]:
    """Of all checks, and of what they are compared with."""
    for path, step in source.workflow.walk():
        if isinstance(step.provider, CheckCall):
            own = f"{path}.provider.with"
            yield from _of(source, own, step.provider.with_)
            if step.provider.with_.against is not None:
                yield from _of(source, f"{own}.against", step.provider.with_.against)


def _of(source: Source, path: str, asked: Measured) -> Iterator[Remark]:
    known = measures_of(asked.source)
    if "{{" in asked.measure:
        return
    if asked.measure not in known:
        place = f"{path}.measure" if "measure" in asked.model_fields_set else path
        problem = f"{asked.source} have no measure {asked.measure!r}, so that the check has no data"
        yield warning(source, place, problem, nearest(asked.measure, known))
        return
    words = _words(asked.source, asked.measure)
    for word in asked.where:
        if (
            word not in words
            and "{{" not in word
            and not (asked.source == "changes" and word.startswith(DETAIL))
        ):
            problem = f"no source of {asked.source} records {word!r} for {asked.measure}, so that the check has no data"
            yield warning(source, f"{path}.where.{word}", problem, nearest(word, words))


@cache
def _words(source: str, measure: str) -> frozenset[str]:
    """What `where` may name, by the tables that checks are evaluated on."""
    return Selector(_everything()).words(Query(source=source, measure=measure))  # type: ignore[arg-type]


def _everything() -> Observation:
    """All columns of all telemetry, and not one row."""
    tables = {
        each.name: pl.DataFrame(schema={column.name: DTYPES[column.kind] for column in each.columns})
        for each in TABLES
        if each is not STATE
    }
    telemetry = Telemetry(**tables, state={}, alerts=(), changes=())
    return Observation(incident=Incident(id=""), current=telemetry, topology=Topology(edges=(("", ""),)))
