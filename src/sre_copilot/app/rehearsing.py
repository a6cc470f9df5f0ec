"""What other rules would have made of the alerts of the last days."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from sre_copilot.alerts.enrichment import Surroundings
from sre_copilot.alerts.pipeline.memory import Memory
from sre_copilot.alerts.rehearsal import Difference, Rehearsal, Rehearsed, difference
from sre_copilot.app.alert_routing import routing_of
from sre_copilot.app.alerting import make_parts
from sre_copilot.domain.alert import AlertEvent
from sre_copilot.errors import SettingsError, UsageError
from sre_copilot.incidents.alerting.rows import events_of
from sre_copilot.settings.document import Settings
from sre_copilot.store.alerting.inbox import Inbox

Told = tuple[float, list[AlertEvent]]
Progress = Callable[[int], None]
CHANGEABLE = ("routing", "correlation", "lifecycle")
"""Keys of `alerting` that decide which alerts become which messages to whom."""


def rehearse(
    inbox: Inbox,
    present: Settings,
    other: Settings,
    *,
    since: float,
    until: float,
    around: Surroundings | None = None,
    progress: Progress = lambda entries: None,
    most_alerts: int | None = None,
) -> Difference:
    """Let the alerts that came in between two times go through the present rules and through others, and say what differs.

    Silences, maintenance and what people did are left out on both sides: it is about the rules.

    Raises
    ------
    UsageError : when no alert of that time is kept, or more than `most_alerts`
    """
    told = []
    held = 0
    for at, events in _history(inbox, since, until):
        held += len(events)
        if most_alerts is not None and held > most_alerts:
            raise UsageError(
                f"days: more than {most_alerts:,} alerts came in then, too many for one request. "
                "Name a shorter time, or use `sre-copilot rules replay`."
            )
        told.append((at, events))
    if not held:
        raise UsageError("no alert of that time is kept. Name a longer time: --days.")
    found = [
        _through(told, rules, until=until, around=around, progress=progress) for rules in (present, other)
    ]
    return difference(*found)


def _through(
    told: Sequence[Told], rules: Settings, *, until: float, around: Surroundings | None, progress: Progress
) -> Rehearsed:
    memory = Memory()
    rehearsal = Rehearsal(memory, make_parts(rules, new_id=memory.new_id, around=around))
    for number, (at, events) in enumerate(told, 1):
        rehearsal.take(events, at)
        progress(number)
    return rehearsal.finish(until)


def _history(inbox: Inbox, since: float, until: float) -> Iterator[Told]:
    after, last = 0, since
    while entries := inbox.history(since=since, until=until, after=after):
        for entry in entries:
            last = max(
                last, entry.received_at
            )  # several processes take alerts in: their clocks differ by a little
            yield last, events_of(entry.body)
        after = entries[-1].id


def with_alerting(settings: Settings, alerting: Mapping[str, Any]) -> Settings:
    """A configuration whose section `alerting` has these keys instead of its own; what is not named stays.

    Raises
    ------
    SettingsError : everything that is wrong with them, each with its place
    """
    strange = sorted(set(alerting) - set(CHANGEABLE))
    if strange:
        raise SettingsError(
            f"alerting.{strange[0]}: does not bear on which alerts become which messages. Name some of: {', '.join(CHANGEABLE)}."
        )
    present = settings.alerting
    try:
        chosen = {name: type(getattr(present, name)).model_validate(alerting[name]) for name in alerting}
    except ValidationError as error:
        raise SettingsError("; ".join(_problems(error))) from None
    changed = settings.model_copy(update={"alerting": present.model_copy(update=chosen)})
    routing = changed.alerting.routing
    if (
        routing.alertmanager_file is not None
        and routing.alertmanager_file != present.routing.alertmanager_file
    ):
        raise SettingsError(
            "alerting.routing.alertmanager_file: names a file of the server, which is not read for a rehearsal. Write the routes themselves."
        )
    routing_of(changed)
    return changed


def _problems(error: ValidationError) -> Iterator[str]:
    for each in error.errors():
        place = ".".join(map(str, each["loc"]))
        yield f"alerting: {place}: {str(each['msg']).removeprefix('Value error, ')}"
