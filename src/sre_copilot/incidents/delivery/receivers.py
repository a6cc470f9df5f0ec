"""Receivers as they are configured, with their services opened; and which addresses a notification goes to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sre_copilot.action.notify.registry import open_notifier
from sre_copilot.action.notify.service import Service
from sre_copilot.errors import SettingsError
from sre_copilot.incidents.delivery.templates import DEFAULT, Wording, compiled
from sre_copilot.incidents.report.model import Language
from sre_copilot.settings.alerting.notify import Limit, Notify
from sre_copilot.settings.alerting.notify import Receiver as ReceiverSettings

_NAME = re.compile(r"[\w-]{1,40}")
LONGEST_ADDRESS = 250  # characters, of the column


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One service of a receiver."""

    name: str
    kind: str
    notifier: Service[Any]
    limits: tuple[Limit, ...] = ()
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Somebody to be told."""

    name: str
    targets: tuple[Target, ...]
    language: Language = "en"
    send_resolved: bool = True
    fallback: str = ""
    wording: Wording = DEFAULT

    def target(self, address: str) -> Target | None:
        """The service that an address such as `email-1:someone@example.org` belongs to."""
        name = address.partition(":")[0]
        return next((each for each in self.targets if each.name == name), None)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a notification goes, and who cannot be reached by any service that tells people one by one."""

    targets: tuple[str, ...]
    unreached: tuple[str, ...] = ()


def addresses(
    receiver: Receiver, people: Sequence[Mapping[str, Any]], told_before: Iterable[str] = ()
) -> Addresses:
    """Every address of a receiver; those on call one by one where a service does so. `told_before` are addresses that must hear the end, too."""
    found: list[str] = []
    reached: set[int] = set()
    personal = False
    for each in receiver.targets:
        fixed = [f"{each.name}:{address[:LONGEST_ADDRESS]}" for address in each.notifier.addressees]
        theirs = [each.notifier.address_of(person) for person in people]
        one_by_one = bool(fixed) or each.notifier.address_of({}) is not None
        personal = personal or each.notifier.address_of({}) is not None
        for place, address in enumerate(theirs):
            if address:
                reached.add(place)
                fixed.append(f"{each.name}:{address[:LONGEST_ADDRESS]}")
        found += fixed if one_by_one else [each.name]
    known = {each.name for each in receiver.targets}
    found += [each for each in told_before if ":" in each and each.partition(":")[0] in known]
    missing = [str(person.get("name", "")) for place, person in enumerate(people) if place not in reached]
    return Addresses(tuple(dict.fromkeys(found)), tuple(missing) if personal else ())


def person_at(
    address: str, receiver: Receiver, people: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    """Who is meant by an address; None when it is nobody's own."""
    target, _, wanted = address.partition(":")
    service = receiver.target(target)
    if service is None or not wanted:
        return None
    return next(
        (each for each in people if (service.notifier.address_of(each) or "")[:LONGEST_ADDRESS] == wanted),
        None,
    )


def open_receivers(settings: Notify, *, language: Language) -> dict[str, Receiver]:
    """Every receiver that is configured, by its name; nothing is sent yet.

    Raises
    ------
    SettingsError : names the receiver, the entry, the key, and the way out
    """
    return {each.name: _opened(each, settings, language) for each in settings.known()}


def _opened(chosen: ReceiverSettings, settings: Notify, language: Language) -> Receiver:
    place = f"alerting.notify.receivers[{chosen.name}]"
    targets = [_target(chosen, number, entry, place=place) for number, entry in enumerate(chosen.notifiers)]
    names = [each.name for each in targets]
    if double := next((name for name in names if names.count(name) > 1), ""):
        raise SettingsError(
            f"{place}: the name {double!r} stands twice; give each notifier a name of its own"
        )
    fallback = chosen.fallback or settings.fallback
    return Receiver(
        name=chosen.name,
        targets=tuple(targets),
        language=chosen.language or language,
        send_resolved=chosen.send_resolved,
        fallback=fallback if fallback != chosen.name else "",
        wording=compiled(chosen.templates, place=f"{place}.templates"),
    )


def _target(chosen: ReceiverSettings, number: int, entry: Mapping[str, Any], *, place: str) -> Target:
    here = f"{place}.notifiers[{number}]"
    notifier = open_notifier(entry, place=here)
    settings = notifier.settings
    name = settings.name or f"{entry['type']}-{number + 1}"
    if not _NAME.fullmatch(name):
        raise SettingsError(f"{here}.name: may have letters, digits, _ and -, at most 40")
    return Target(
        name=name,
        kind=str(entry["type"]),
        notifier=notifier,
        limits=tuple(settings.limits or chosen.limits or notifier.limits),
        timeout_s=settings.timeout_seconds,
    )
