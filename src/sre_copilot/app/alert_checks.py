"""Whether what the configuration says of alerting can be used: routes, receivers, people, and what they name of each other."""

from __future__ import annotations

from collections.abc import Iterator

from sre_copilot.app.alert_routing import check_people, routing_of
from sre_copilot.app.alerting import make_parts
from sre_copilot.app.notifying import make_receivers
from sre_copilot.settings.document import Settings


def check_alerting(settings: Settings) -> tuple[str, ...]:
    """See whether alerting can be used as it is configured, calendars and services of receivers too; return what is worth knowing.

    Raises
    ------
    SettingsError : names the key and the way out
    """
    check_people(settings)
    make_receivers(settings)
    make_parts(settings, new_id=lambda: "")
    return tuple(_remarks(settings))


def _remarks(settings: Settings) -> Iterator[str]:
    alerting, routing = settings.alerting, routing_of(settings)
    reached = list(dict.fromkeys(each.receiver for each in routing.routes.by_id.values()))
    known = [each.name for each in alerting.notify.known()]
    people = alerting.people
    yield f"alerting: {len(routing.routes.by_id)} routes to {', '.join(reached) or 'nobody'}; {len(people.policies)} escalation policies, {len(people.persons)} persons"
    if not known:
        yield "alerting: no receiver is configured, so that incidents are listed and nobody is told; see the page “Notifications”"
    named = {name for _, name in people.receivers()}
    for name in sorted(set(known) - set(reached) - named):
        yield f"alerting.notify.receivers: no route and no policy reaches {name}"
    yield from routing.remarks
