"""Decisions on plans that come in from chat platforms: each is heard once, and goes through the one door."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping

from sre_copilot.app.approval_words import outcome_words, refusal_words
from sre_copilot.app.approving import Approving
from sre_copilot.app.chat_replies import Replies
from sre_copilot.app.serving import Service
from sre_copilot.decision.approval.model import Refused, refused
from sre_copilot.decision.approval.text import Command, parse
from sre_copilot.decision.chat.platforms import platforms
from sre_copilot.decision.chat.request import Heard, Platform, short
from sre_copilot.domain.knowledge import Lang
from sre_copilot.errors import SreCopilotError, UsageError
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.leases import Lease, Leases
from sre_copilot.telemetry import log

REMEMBERED_S = 86_400.0  # longer than any signature holds, and than any platform sends an event again
DECIDING_S = 30.0  # longer than a decision takes; where the process died in it, what the platform sends again after that counts
HEARD = "chat-heard/"
HOUR_S = 3600.0
MOST_NOTED = 60  # requests of nobody an hour and platform that the audit keeps: it is for ever, and anybody can send them
_log = log(__name__)


class Replayed(UsageError):  # noqa: N818 - what the request is
    """A request that came before was sent again, by somebody else than the platform."""


class Inbound:
    """Hears what platforms bring; any thread may use it."""

    def __init__(
        self,
        door: Approving,
        leases: Leases,
        *,
        known: Mapping[str, Platform],
        replies: Replies,
        language: Lang,
    ) -> None:
        self.known, self.replies, self._door, self._leases, self._language = (
            known, replies, door, leases, language,
        )  # fmt: skip
        self._noted = {name: Hourly(MOST_NOTED) for name in known}
        self._swept, self._told = Hourly(1), Hourly(1)

    def now(self) -> float:
        """The time."""
        return self._door.clock.now()

    def heard(self, platform: str, heard: Heard) -> str:
        """Decide what was asked for, as whoever sent it; what to answer, '' for nothing: it is of no concern, or the platform sends it again.

        Raises
        ------
        Replayed : when its signature came before, with another event or where the platform would have signed anew
        """
        command = parse(heard.text)
        if not heard.direct and not (command is not None and command.plan_id):
            return ""
        taken = self._first(platform, heard, command)
        if taken is None:
            return ""
        try:
            found = self._door.decide_by_text(
                sender=heard.sender, platform=platform, verified=True, text=heard.text
            )
        except SreCopilotError:
            for lease in taken:  # it was not decided: the platform's next attempt counts
                self._leases.release(lease)
            raise
        self._leases.renew(taken[-1], REMEMBERED_S)
        if isinstance(found, Refused):
            return refusal_words(found.message, self._language)
        return outcome_words(found, self._language)

    def turned_away(self, platform: str, claimed: Heard | None) -> str:
        """Note that a request was not the platform's; the sentence about it."""
        found = refused("unverified", platform=platform)
        if self._noted[platform].take(self.now()):
            self._note(platform, claimed, found)
        elif self._told.take(self.now()):
            _log.warning("requests of nobody are refused and no longer audited", platform=platform)
        return refusal_words(found.message, self._language)

    def _note(self, platform: str, claimed: Heard | None, found: Refused) -> None:
        command = parse(claimed.text) if claimed is not None else None
        if claimed is not None and command is not None and command.plan_id:
            self._door.decide_by_text(
                sender=claimed.sender, platform=platform, verified=False, text=claimed.text
            )
            return
        self._refused(platform, "", None, found)

    def _refused(self, platform: str, sender: str, command: Command | None, found: Refused) -> None:
        """Keep a refusal that the door cannot keep: there is no plan, or nobody asks."""
        verb = f"plan.{command.verdict}" if command is not None else "plan.decide"
        subject = command.plan_id if command is not None and command.plan_id else platform
        detail = {"code": found.code, "problem": found.message.key, "way": "chat"}
        who = f"{platform} {sender[:60]}".strip()
        AuditChain(self._door.database).note(
            who, verb, subject, outcome="refused", detail=detail, at=self.now()
        )

    def _first(self, platform: str, heard: Heard, command: Command | None) -> tuple[Lease, ...] | None:
        """Remember a request, its event last and only while it is decided; None when the same event was heard before."""
        if self._swept.take(self.now()):
            self._leases.forget(HEARD, unheld_s=0.0)
        event, taken = short(heard.event), []
        if heard.signature:
            name = f"{HEARD}{platform}/signature/{short(heard.signature)}"
            lease = self._leases.acquire(name, event, REMEMBERED_S)
            if lease is None and (heard.signed_anew or self._leases.holder(name) != event):
                found = refused("repeated", platform=platform)
                self._refused(platform, heard.sender, command, found)
                raise Replayed(refusal_words(found.message, self._language))
            taken += [lease] if lease is not None else []
        lease = self._leases.acquire(f"{HEARD}{platform}/{event}", "heard", DECIDING_S)
        return None if lease is None else (*taken, lease)


class Hourly:
    """So many in an hour."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, threading.Lock()
        self._times: deque[float] = deque()

    def take(self, now: float) -> bool:
        """Whether there is one left; it is taken."""
        with self._lock:
            while self._times and not 0.0 <= now - self._times[0] < HOUR_S:
                self._times.popleft()
            if len(self._times) >= self._most:
                return False
            self._times.append(now)
            return True


def make_inbound(service: Service, door: Approving) -> Inbound:
    """What hears the platforms that are configured."""
    chosen = service.settings.decision.approval.chat
    leases = Leases(service.database, clock=service.clock)
    return Inbound(
        door, leases, known=platforms(chosen), replies=Replies(chosen), language=service.settings.language
    )
