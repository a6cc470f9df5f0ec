"""What every service has in common: its settings, its limits, whom it reaches one by one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from sre_copilot.action.notify.notifier import Delivered, Message
from sre_copilot.action.notify.settings import NotifierSettings
from sre_copilot.settings.alerting.notify import Limit

Own = TypeVar("Own", bound=NotifierSettings)
CALLING = frozenset({"firing", "escalated", "storm"})
"""States in which people are called by a mention; an update or an end calls nobody."""


class Service(Generic[Own]):
    """The base of the notifiers: one file a service, registered in `sre_copilot.notifiers`."""

    Settings: ClassVar[type[NotifierSettings]] = NotifierSettings
    limits: ClassVar[tuple[Limit, ...]] = ()
    """What the platform allows each bot."""
    digests: ClassVar[bool] = True
    """Whether several messages may be merged into one; not where a program closes by a later message what an earlier one opened."""
    attaches: ClassVar[bool] = False
    """Whether files go along with a message: not where a service takes none from a webhook."""
    settings: Own
    bot: str = ""
    """What is limited: notifiers of one bot share its limits."""
    addressees: Sequence[str] = ()
    """Addresses that are told one by one, each with a key of its own; none: there is one."""

    def send(self, message: Message, *, timeout_s: float) -> Delivered:
        """Send one message."""
        raise NotImplementedError

    def address_of(self, person: Mapping[str, Any]) -> str | None:
        """The address of somebody on call; '' when there is none for this service, None when it does not tell people one by one."""
        return None

    def close(self) -> None:
        """Close what is open."""


def bot(*identity: str) -> str:
    """A name for a bot that tells nothing of its address: the same for all notifiers that share its limits."""
    return hashlib.sha256("\0".join(identity).encode()).hexdigest()[:16]


def address(person: Mapping[str, Any], *kinds: str) -> str:
    """The first address of a person that is of one of these kinds; '' when there is none."""
    addresses = person.get("addresses")
    known = addresses if isinstance(addresses, Mapping) else person
    return next((str(known[kind]).strip() for kind in kinds if known.get(kind)), "")


def called(message: Message, *kinds: str) -> list[str]:
    """Addresses of those on call who are to be mentioned."""
    if message.state not in CALLING:
        return []
    return list(dict.fromkeys(found for person in message.people if (found := address(person, *kinds))))
