"""Whether what the configuration says of executors and targets can be used."""

from __future__ import annotations

from collections.abc import Iterator

from sre_copilot.action.catalogue import Catalogue, open_catalogue
from sre_copilot.app.plan_ticket import ticket_of
from sre_copilot.settings.document import Settings


def check_actions(settings: Settings) -> tuple[str, ...]:
    """Make every executor and hold the targets to what they can do, nothing is asked of any system; return what is worth knowing.

    Raises
    ------
    SettingsError : names the entry, the key, and the way out
    """
    found = (*_remarks(settings, open_catalogue(settings.actions.executors)), *_nobody(settings))
    ticket = ticket_of(settings)
    return (
        (*found, f"remediation.ticket: each plan opens one in {ticket.queue.name} ({ticket.queue.executor})")
        if ticket
        else found
    )


def _nobody(settings: Settings) -> Iterator[str]:
    """Names that may decide in chat, and are nobody's in the configuration."""
    persons = settings.alerting.people.persons
    known = {each.casefold() for key, person in persons.items() for each in (key, person.name, person.email)}
    for name in settings.decision.approval.chat_approvers:
        if name.strip().casefold() not in known:
            yield f"decision.approval.chat_approvers: {name!r} is nobody of alerting.people.persons ({', '.join(persons) or 'none'}), so that nobody decides by that name unless `oncall import` brings them"


def _remarks(settings: Settings, catalogue: Catalogue) -> Iterator[str]:
    kinds: dict[str, set[str]] = {}
    for spec in catalogue.specs:
        kinds.setdefault(spec.name.partition(".")[0], set()).update(spec.kinds)
    if kinds:
        count = len(settings.actions.targets)
        yield f"actions: {len(catalogue.specs)} of {', '.join(sorted(kinds))}; {count} targets"
    for number, each in enumerate(settings.actions.targets):
        place, known = f"actions.targets[{number}]", kinds.get(each.executor)
        if known is None:
            yield f"{place}.executor: {each.executor!r} is none of actions.executors ({', '.join(sorted(kinds)) or 'none'}), so that nothing is done to it"
        elif each.kind not in known:
            yield f"{place}.kind: no action of {each.executor} is done to a {each.kind!r}; kinds are {', '.join(sorted(known))}"
