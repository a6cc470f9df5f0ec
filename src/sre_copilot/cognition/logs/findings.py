"""Findings out of what changed in logs: weights, fault types, checks."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from sre_copilot.cognition.logs.classify import Classification
from sre_copilot.cognition.logs.errors import Rise
from sre_copilot.cognition.logs.evidence import Counts, at_least, at_most, ratio_at_most, service_only
from sre_copilot.cognition.logs.lines import CURRENT, Lines, Statement
from sre_copilot.cognition.logs.links import Break
from sre_copilot.cognition.logs.naming import named_callee
from sre_copilot.cognition.logs.volumes import Appearance, Stop
from sre_copilot.domain.evidence import Check, Finding
from sre_copilot.domain.signals import Window
from sre_copilot.domain.topology import Topology

STRONGEST = 5.5
"""Nats of a step that all but certainly stopped: what one modality alone may say against a single entity."""

PROPAGATED = 0.5
"""Nats of an error that another service explains: callers complain in every incident and in quiet times too."""

AFTER_ANOTHER = 0.2
"""Of the evidence of a step that is missing behind one that another service lost in the same requests."""

NEARLY_ALL = 0.9
"""Share of the requests without a step that go on elsewhere as if nothing had happened, from which the step was left out: where
something was thrown, those that happen to go on are those that never needed the step."""

NAMED = 0.9
"""Nats of a refused, reset or unanswered call for the service that the line names: below one, since callers complain in quiet
times too, and a complaint alone accuses nobody."""

UNTRACED = 0.25
"""Of the evidence of a line that belongs to no request: how many requests it stands for is unknown."""

CERTAIN = 0.95
"""Share of requests from which a step is no branch."""

BRANCH = 1.5
"""Nats of a branch that is no longer taken at all: the code may skip it, or no request may need it."""

LOAD_MIX = 0.5
"""Nats of a drop that the mix of requests can make."""

MIN_SECONDS = 10.0
"""Seconds for which a step must be missing: less is one batch of requests, or one that the recording cut off."""

LEAST = 0.2
"""Nats below which a finding is noise and is not told."""

_TEXT = 110
"""Characters of a statement that a sentence quotes."""


@dataclass(frozen=True)
class Scene:
    """What findings are judged in: all lines, the counts of checks, the spans when there are some."""

    lines: Lines
    counts: Counts
    spans: pl.DataFrame | None
    topology: Topology = field(default_factory=Topology)


def of_break(change: Break, scene: Scene, *, effect: bool = False) -> Finding | None:
    """A step that stopped: `log.vanished` when its statement is gone, else `log.step_skipped` or `log.rate_drop`.

    `effect` says that another service lost a step earlier in the same requests.
    """
    lines, counts = scene.lines, scene.counts
    a, b = lines.statements[change.a], lines.statements[change.b]
    course = _course(change, scene)
    window = counts.since(change.start, change.end)
    (query_b, left), (query_a, reached) = counts.now(b, window), counts.now(a, window)
    (normal_b, many), (_, normal_a) = counts.normal(b), counts.normal(a)
    if not (many and normal_a and reached):
        return None
    checks: tuple[Check, ...] = (at_least(query_a, reached), at_least(normal_b, many))
    complete = change.observed == 0 and change.seconds >= MIN_SECONDS
    if left == 0:
        checks = (at_most(query_b, 0), *checks)
    else:
        now, usual = left / reached, many / normal_a
        if now > 0.5 * usual:
            return None  # written as often as ever, for other requests: nothing that a reader could see
        checks = (ratio_at_most(query_b, query_a, (now + usual) / 2), *checks)
    weight = _break_weight(change, course) if complete else min(LOAD_MIX, _break_weight(change, course))
    weight *= AFTER_ANOTHER if effect else 1.0
    return Finding(
        kind=_break_kind(course, gone=left == 0, complete=complete),
        entity=a.service if course.not_reached else b.service,
        modality="logs",
        weight=round(weight, 2),
        checks=checks,
        params=(
            ("statement", _quote(b)),
            ("after", _quote(a)),
            ("requests", change.requests),
            ("expected", round(change.expected, 1)),
            ("observed", change.observed),
            ("normal", many),
            ("callee", b.service),
        ),
        fault_type=course.fault_type,
        window=window,
        related=tuple(sorted({a.service, b.service})),
    )


def _break_kind(course: _Course, *, gone: bool, complete: bool) -> str:
    if course.not_reached:
        return "log.call_skipped"
    if gone:
        return "log.vanished"
    return "log.step_skipped" if complete else "log.rate_drop"


@dataclass(frozen=True, slots=True)
class _Course:
    """How the requests that miss a step go on."""

    fault_type: str
    not_reached: bool = False
    unsure: bool = False


def _course(change: Break, scene: Scene) -> _Course:
    """Follow the requests that miss the step.

    A service that goes on writing in the same request has skipped the step; one that falls silent or reports an
    exception was thrown out of it. When the step is the first of its service in the request, spans tell whether the service was called at all: if
    not, the caller skipped the call.
    """
    statements = scene.lines.statements
    service = statements[change.b].service
    own = [key for key, statement in statements.items() if statement.service == service]
    rows = scene.lines.table.filter(
        (pl.col("origin") == CURRENT) & pl.col("trace_id").is_in(list(change.missed))
    )
    reached = (
        rows.filter(pl.col("statement") == change.a).group_by("trace_id").agg(at=pl.col("position").min())
    )
    around = rows.filter(pl.col("statement").is_in(own)).join(reached, on="trace_id")
    missed = max(len(change.missed), 1)
    before = around.filter(pl.col("position") <= pl.col("at"))["trace_id"].n_unique() / missed
    behind = around.filter(pl.col("position") > pl.col("at"))["trace_id"].n_unique() / missed
    if before >= 0.5:
        raised = _raised(around, statements) >= 0.5 * missed
        goes_on = behind >= 0.5 or _callers_go_on(rows, reached, statements) >= NEARLY_ALL * missed
        return _Course("code/missing-step" if goes_on and not raised else "code/exception")
    if scene.spans is None:
        return _Course("code/exception", unsure=True)
    called = scene.spans.filter(
        (pl.col("service") == service) & pl.col("trace_id").is_in(list(change.missed))
    )
    if called["trace_id"].n_unique() >= 0.5 * missed:
        return _Course("code/exception")
    return _Course("code/missing-step", not_reached=True, unsure=True)


def _callers_go_on(rows: pl.DataFrame, reached: pl.DataFrame, statements: dict[int, Statement]) -> int:
    """How many requests go on in other services without any error: the step was left out, nothing was thrown."""
    wrong = [key for key in rows["statement"].unique() if statements[key].classification.is_error]
    behind = rows.join(reached, on="trace_id").filter(pl.col("position") > pl.col("at"))
    each = behind.group_by("trace_id").agg(pl.col("statement").is_in(wrong).any().alias("wrong"))
    return int((~each["wrong"]).sum())


def _raised(around: pl.DataFrame, statements: dict[int, Statement]) -> int:
    """How many requests hold an exception behind the place where the step is missing."""
    behind = around.filter(pl.col("position") > pl.col("at"))
    raising = [
        key for key in behind["statement"].unique() if statements[key].classification.topic == "exception"
    ]
    return behind.filter(pl.col("statement").is_in(raising))["trace_id"].n_unique()


def _break_weight(change: Break, course: _Course) -> float:
    """Nats: the statistic beyond what the search over links finds by chance, damped, since requests are not
    independent (factor 4), and no more than normal time can vouch for (0.75 a request: a step seen six times of six may
    still be missing from one request in five). A step that one request in twenty leaves out anyway is a branch that data
    choose, and the data may have changed."""
    weight = min(STRONGEST, (change.nats - 8.0) / 4.0, 0.75 * change.normal_requests)
    if change.usual < CERTAIN:
        weight = min(weight, BRANCH)
    return weight * (0.6 if course.unsure else 1.0)


def of_rise(rise: Rise, scene: Scene, vanished: set[str]) -> Finding | None:
    """An error that requests run into: `log.new_error`, or `log.burst` when normal time knows it."""
    lines, counts = scene.lines, scene.counts
    statement, after = lines.statements[rise.statement], lines.statements[rise.after]
    weight = round(_rise_weight(rise, statement, vanished), 2)
    window = counts.since(rise.start, None if rise.end is None else rise.end + 0.001)
    query, seen = counts.now(statement, window) if weight >= LEAST else (None, 0)
    if query is None or not seen:
        return None
    normal, known = counts.normal(statement)
    fresh = known == 0
    checks = (at_least(query, seen), at_most(normal, known))
    dependency = statement.classification.about_dependency
    callee = named_callee(statement, scene.counts.sample(statement, window), scene.topology)
    if callee is not None:
        most = NAMED if fresh and not rise.elsewhere else PROPAGATED
        told = min(most, _statistic(rise)) * rise.share**2
        return _of_callee(callee, statement, checks, weight=told, seen=rise.seen, window=window)
    return Finding(
        kind="log.dependency_error" if dependency else "log.new_error" if fresh else "log.burst",
        entity=statement.service,
        modality="logs",
        weight=weight,
        checks=checks,
        params=(
            ("statement", _quote(statement)),
            ("after", _quote(after)),
            ("seen", rise.seen),
            ("requests", rise.reached),
            ("normal", known),
            ("topic", statement.classification.topic),
        ),
        fault_type=_error_type(statement, vanished),
        window=window,
        related=(lines.statements[rise.earlier].service,) if rise.earlier is not None else (),
    )


def _of_callee(
    callee: str, statement: Statement, checks: tuple[Check, ...], *, weight: float, seen: int, window: Window
) -> Finding:
    """An error line that names what its service calls speaks of that: of the way there, or of an error that was passed on."""
    about = statement.classification
    plain = about.topic in ("connection", "timeout", "database", "authentication")
    return Finding(
        kind="log.failed_dependency",
        entity=callee,
        modality="logs",
        weight=round(weight if plain else min(weight, PROPAGATED), 2),
        checks=checks,
        params=(
            ("caller", statement.service),
            ("statement", _quote(statement)),
            ("seen", seen),
            ("topic", about.topic),
        ),
        fault_type=about.fault_type if plain else None,
        window=window,
        related=(statement.service,),
    )


def _rise_weight(rise: Rise, statement: Statement, vanished: set[str]) -> float:
    """Nats: by the share of requests that fail, since a fault in the code's path hits all that take it."""
    weight = _statistic(rise) * rise.share**2
    about = statement.classification
    if (about.about_dependency and about.topic == "connection") or rise.earlier is not None or rise.elsewhere:
        return min(weight, PROPAGATED)
    if about.about_dependency:
        return min(weight, 1.5)  # a time-out or lock: both ends of the call may be the cause
    if statement.service in vanished:
        return min(weight, 1.0)  # the other side of the same event: it stands where the vanished step stood
    return weight


def _statistic(rise: Rise) -> float:
    """What the numbers alone say: damped, since requests are not independent, and no more than normal time can vouch for."""
    return min(4.5, (rise.nats - 5.0) / 2.5, 0.75 * rise.normal_reached)


def _error_type(statement: Statement, vanished: set[str]) -> str:
    about: Classification = statement.classification
    if about.fault_type and about.fault_type != "code/exception":
        return about.fault_type
    if about.about_dependency:
        return "dependency/unavailable"
    return (
        "code/missing-step"
        if statement.service in vanished and about.topic != "exception"
        else "code/exception"
    )


def of_stop(stop: Stop, scene: Scene) -> Finding | None:
    """A statement outside requests that is no longer written, or a service that fell silent."""
    lines, counts = scene.lines, scene.counts
    window = counts.since(stop.start + 0.001)
    whole = stop.statement is None
    statement = (
        Statement(stop.service, "", "") if stop.statement is None else lines.statements[stop.statement]
    )
    query, left = counts.now(statement, window)
    normal, many = counts.normal(statement)
    if left or not many:
        return None
    checks: tuple[Check, ...] = (at_most(query, 0), at_least(normal, many))
    if not whole:
        everything, volume = counts.now(Statement(stop.service, "", ""), window)
        checks = (*checks, at_least(service_only(everything), volume))
    return Finding(
        kind="log.silent" if whole else "log.stopped",
        entity=stop.service,
        modality="logs",
        weight=1.0 if whole else round(min(2.5, stop.expected / 8), 2),  # bursts and load mix leave doubt
        checks=checks,
        params=(("statement", _quote(statement)), ("expected", round(stop.expected, 1)), ("normal", many)),
        fault_type="process/killed" if whole else "code/missing-step",
        window=window,
    )


def of_appearance(new: Appearance, scene: Scene) -> Finding | None:
    """An error outside requests that normal time does not know."""
    statement = scene.lines.statements[new.statement]
    window = scene.counts.since(new.start)
    query, seen = scene.counts.now(statement, window)
    normal, known = scene.counts.normal(statement)
    if not seen or known:
        return None
    about = statement.classification
    callee = named_callee(statement, scene.counts.sample(statement, window), scene.topology)
    if callee is not None:
        checks = (at_least(query, seen), at_most(normal, 0))
        told = NAMED if about.about_dependency and new.services == 1 else PROPAGATED
        return _of_callee(callee, statement, checks, weight=UNTRACED * told, seen=new.seen, window=window)
    weight = (
        PROPAGATED
        if about.about_dependency or new.services > 1
        else 3.0
        if about.topic == "resource"
        else 1.5
    )
    return Finding(
        kind="log.dependency_error" if about.about_dependency else "log.new_background_error",
        entity=statement.service,
        modality="logs",
        weight=weight,
        checks=(at_least(query, seen), at_most(normal, 0)),
        params=(
            ("statement", _quote(statement)),
            ("seen", new.seen),
            ("normal", 0),
            ("topic", about.topic),
        ),
        fault_type=_error_type(statement, set()),
        window=window,
    )


def _quote(statement: Statement) -> str:
    text = statement.template.removeprefix("<*>").strip()
    return text if len(text) <= _TEXT else text[: _TEXT - 1] + "…"
