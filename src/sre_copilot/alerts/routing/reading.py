"""Routing from the keys of `alerting.routing`, or from the text of an Alertmanager configuration."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sre_copilot.alerts.routing.configuration import Configuration, Reader, Remark, hasty
from sre_copilot.alerts.routing.document import Document, Path, read_document
from sre_copilot.alerts.routing.tree import RouteConfig, RouteTree
from sre_copilot.errors import SettingsError
from sre_copilot.settings.alerting.routing import (
    Empty,
    InhibitionSettings,
    InhibitionSourceSettings,
    RouteSettings,
    Routing,
    TimeIntervalSettings,
    TimeRangeSettings,
    TimeSpanSettings,
)

PATH = ("alerting", "routing")
DEFAULT_RECEIVER = "default"
NOT_TAKEN = {
    "global": "is not taken over; write what belongs to receivers into alerting.notify",
    "templates": "are not taken over; write templates into alerting.notify, in Jinja2",
    "tracing": "is not taken over",
    "event_recorder": "is not taken over",
}
_SECTIONS: tuple[type[BaseModel], ...] = (
    RouteSettings,
    InhibitionSettings,
    InhibitionSourceSettings,
    TimeIntervalSettings,
    TimeSpanSettings,
    TimeRangeSettings,
)


class _Receiver(BaseModel):
    """A receiver of an Alertmanager file: of these only the name is taken over."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)

    name: str = Field(min_length=1)


class _Alertmanager(BaseModel):
    """The keys of an Alertmanager file."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    global_: Any = Field(default=None, alias="global")
    route: RouteSettings
    inhibit_rules: Annotated[list[InhibitionSettings], Empty] = Field(default_factory=list)
    receivers: Annotated[list[_Receiver], Empty] = Field(default_factory=list)
    templates: Any = None
    mute_time_intervals: Annotated[list[TimeIntervalSettings], Empty] = Field(default_factory=list)
    time_intervals: Annotated[list[TimeIntervalSettings], Empty] = Field(default_factory=list)
    tracing: Any = None
    event_recorder: Any = None


def of_settings(
    routing: Routing,
    *,
    file_text: Callable[[], str] | None = None,
    receivers: Collection[str] | None = None,
    policies: Collection[str] | None = None,
) -> Configuration:
    """Routing as it is configured.

    Parameters
    ----------
    routing : the keys
    file_text : reads the file that `alertmanager_file` names; needed where it does
    receivers, policies : names that there are; None: not known, nothing is held against them

    Raises
    ------
    SettingsError : everything that is wrong, each with its place and the way out
    """
    if routing.alertmanager_file is not None and file_text is not None:
        return of_alertmanager(
            file_text(), name=str(routing.alertmanager_file), receivers=receivers or (), policies=policies
        )
    reader = Reader(receivers=receivers, policies=policies)
    reader.intervals(routing.time_intervals, (*PATH, "time_intervals"))
    if routing.route is None:
        root = RouteConfig(receiver=_only(receivers or ()), group_by=("alertname",))
    else:
        root = reader.root(routing.route, (*PATH, "route"))
    rules = reader.rules(routing.inhibit_rules, (*PATH, "inhibit_rules"))
    _raise(reader.problems, _dotted)
    routes = RouteTree.of(root)
    remarks = (*map(_dotted, reader.remarks), *hasty(routes))
    return Configuration(
        routes=routes,
        rules=rules,
        intervals=reader.named_intervals(),
        receivers=tuple(sorted(receivers or ())),
        remarks=remarks,
    )


def of_alertmanager(
    text: str,
    *,
    name: str = "alertmanager.yml",
    receivers: Collection[str] = (),
    policies: Collection[str] | None = None,
) -> Configuration:
    """Routing as an Alertmanager file says it; `receivers` are those that there are besides the file's own.

    Raises
    ------
    SettingsError : everything that is wrong, each with its line and the way out
    """
    document = read_document(text, name=name)
    given = _validated(document)
    own = [each.name for each in given.receivers]
    reader = Reader(receivers={*own, *receivers}, policies=policies)
    for place, each in enumerate(own):
        if each in own[:place]:
            reader.problems.append(
                Remark(
                    ("receivers", place, "name"),
                    f"{each!r} stands twice; give each receiver a name of its own",
                )
            )
    reader.intervals(given.mute_time_intervals, ("mute_time_intervals",))
    reader.intervals(given.time_intervals, ("time_intervals",))
    root = reader.root(given.route, ("route",))
    rules = reader.rules(given.inhibit_rules, ("inhibit_rules",))
    _raise(reader.problems, lambda remark: _numbered(document, remark))
    routes = RouteTree.of(root)
    left = [*_not_taken(given, document.data, receivers), *reader.remarks]
    remarks = (*(_numbered(document, each) for each in left), *hasty(routes))
    return Configuration(
        routes=routes,
        rules=rules,
        intervals=reader.named_intervals(),
        receivers=tuple(sorted({*own, *receivers})),
        remarks=remarks,
    )


def _only(receivers: Collection[str]) -> str | None:
    """Who is told where no route says it: the receiver `default`, or the only one that there is."""
    if DEFAULT_RECEIVER in receivers:
        return DEFAULT_RECEIVER
    return next(iter(receivers)) if len(receivers) == 1 else None


def _validated(document: Document) -> _Alertmanager:
    """The file as its keys say, before anything is held against anything else."""
    if not isinstance(document.data, dict):
        raise SettingsError(
            f"{document.name}: holds no keys; an Alertmanager configuration has at least route and receivers."
        )
    try:
        return _Alertmanager.model_validate(document.data)
    except ValidationError as error:
        problems = [Remark(tuple(each["loc"]), _said(each)) for each in error.errors(include_input=False)]
        raise SettingsError("; ".join(_numbered(document, each) for each in problems)) from None


def _said(detail: Any) -> str:
    """What a validation found, in words."""
    if detail["type"] == "extra_forbidden":
        known = {field.alias or name for each in _SECTIONS for name, field in each.model_fields.items()}
        near = get_close_matches(
            str(detail["loc"][-1]), {*known, *NOT_TAKEN, "receivers", "inhibit_rules"}, n=1
        )
        return "is no key that is known here" + (f"; did you mean {near[0]}?" if near else "; take it out")
    if detail["type"] == "missing":
        return "is missing; it must be there"
    if detail["type"] == "string_type":
        return "has no value; give it a text"
    return str(detail["msg"]).removeprefix("Value error, ")


def _not_taken(given: _Alertmanager, data: dict[str, Any], receivers: Collection[str]) -> Iterator[Remark]:
    """What of the file has no effect here."""
    for key, why in NOT_TAKEN.items():
        if data.get(key):
            yield Remark((key,), why)
    for place, each in enumerate(given.receivers):
        if each.name not in receivers and (kinds := sorted(each.model_extra or {})):
            yield Remark(
                ("receivers", place),
                f"{', '.join(kinds)} of {each.name!r}: not taken over; write a receiver of this name into alerting.notify.receivers, or nobody is told",
            )


def _raise(problems: Iterable[Remark], say: Callable[[Remark], str]) -> None:
    if said := [say(each) for each in problems]:
        raise SettingsError("; ".join(dict.fromkeys(said)))


def _numbered(document: Document, remark: Remark) -> str:
    return f"{document.name}, line {document.line(remark.path)}: {_dotted(remark)}"


def _dotted(remark: Remark) -> str:
    path: Path = remark.path
    return f"{'.'.join(map(str, path))}: {remark.text}" if path else remark.text
