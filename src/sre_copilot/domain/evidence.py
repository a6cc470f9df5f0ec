"""Evidence: findings, the checks that let anyone re-run them, and the gaps that say what could not be seen."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from sre_copilot.domain.signals import Modality, Window

Aggregate = Literal["count", "rate", "mean", "median", "p90", "p95", "p99", "min", "max", "last", "sum"]
Relation = Literal[">", ">=", "<", "<=", "=="]
Origin = Literal["incident", "reference"]
Combine = Literal["value", "ratio", "difference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A sentence as a key of the message catalogue and its parameters, so that it can be said in any language."""

    key: str
    params: tuple[tuple[str, str | float | int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which rows of which table, and what is measured on each.

    `where` holds (column, value) pairs that all must equal; a word may stand more than once. Besides the columns of the
    table it takes: logs `contains` (literal part of the message) and `pattern` (regular expression of linear time, no
    look-around, found anywhere); state `key` (the command) and `line` (literal part of an output line, runs of white
    space folded on both sides); alerts and changes `contains` (of the text; a change's detail is `detail.KEY`); topology
    `caller`, `callee`. An unknown column or measure is no data.

    Measures: metrics `value`; logs, state (lines that are not blank), alerts, changes, topology `rows`; transactions
    `count`, `success_rate` (of each row), `amount`, `latency_ms`; traces, selected by columns of the span, `rows`,
    `duration_ms`, `self_ms` (duration minus the sum of the children's, not below 0), `error` (1 when status is `error`, else 0; no
    data where no status was recorded); traces, over pairs of a parent and its child in the same trace, selected by
    `caller`, `callee` (services), `caller_operation`, `callee_operation`, `caller_instance`, `callee_instance`: `calls` (a
    row a pair), `gap_ms` (parent's duration minus child's, may be negative).

    `window` None takes all that was recorded, rows without a time too. A row is in the window by its time as a 64-bit
    float of epoch seconds: spans by their start, pairs by the start of the child, alerts when they overlap it. State and
    topology, and logs recorded without times, know no window: a query with one is no data. Null, NaN and infinite
    values are no data and are not counted. `reference` has no topology.
    """

    source: Modality
    measure: str
    where: tuple[tuple[str, str], ...] = ()
    window: Window | None = None
    origin: Origin = "incident"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A statement about telemetry that can be evaluated: `aggregate(query) relation bound`.

    With `against`, the left side is the ratio or difference of the two aggregates (`combine`); a ratio to 0 is no data.
    `count` is rows, `rate` rows per second of the query's window, quantiles are interpolated linearly, `last` is the mean
    at the latest time. `>=`, `<=` and `==` allow a relative error of 1e-9. What is no data fails the check. An aggregate
    over no rows is no data, except that `count`, `rate` and `sum` are 0 where the source was recorded in the window: any row of any
    entity lies in it, or the table is empty throughout, or the source is alerts or changes.
    """

    query: Query
    aggregate: Aggregate
    relation: Relation
    bound: float
    against: Query | None = None
    combine: Combine = "value"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something abnormal about one entity, with the checks that must all hold for it to be true.

    `kind` names what was seen (`metric.saturation`, `trace.edge_gap` …) and is the key of its sentence; `weight` is its strength in nats
    (log-odds) for its entity being the root cause, as the detector judges it; `fault_type` is the id of `domain.faults` that it points to.
    """

    kind: str
    entity: str
    modality: Modality
    weight: float
    checks: tuple[Check, ...]
    params: tuple[tuple[str, str | float | int], ...] = ()
    fault_type: str | None = None
    window: Window | None = None
    lines: tuple[str, ...] = ()
    related: tuple[str, ...] = field(default=())

    @cached_property
    def id(self) -> str:
        """A short name that depends on the content alone."""
        content = repr((self.kind, self.entity, self.checks, self.params))
        return "F-" + hashlib.blake2b(content.encode(), digest_size=4).hexdigest()

    @property
    def message(self) -> Message:
        """Its sentence."""
        return Message(key=self.kind, params=(("entity", self.entity), *self.params))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that could not be seen, and what therefore cannot be told: never scored as normal."""

    modality: Modality
    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Refutation:
    """A finding that was struck out because a check could not be reproduced."""

    finding: Finding
    check: Check
    observed: float | None
    reason: str = ""
