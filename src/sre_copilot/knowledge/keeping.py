"""Keeping cards and past faults: every change of a card is a revision that can be read and brought back."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sre_copilot.clock import Clock
from sre_copilot.domain.knowledge import Card, PastFault, Standing
from sre_copilot.errors import UsageError
from sre_copilot.knowledge.cards import card_document, card_from, checked
from sre_copilot.knowledge.past import past_document, past_from
from sre_copilot.knowledge.probes import Probe, probes_document, probes_from
from sre_copilot.knowledge.recall import Known
from sre_copilot.knowledge.trust import Turned, failed_repeatedly, trust
from sre_copilot.store import experience as tables
from sre_copilot.store.database import Database
from sre_copilot.store.records import Records

PAGE = 1000


class ChangedMeanwhile(UsageError):  # noqa: N818 - it reads better so
    """Somebody changed what was read, so that what was decided about it does not hold."""


class Experience:
    """Cards and past faults of one store."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self._cards = tables.card_records(database)
        self._revisions = tables.revision_records(database)
        self._past = tables.past_fault_records(database)
        self._outcomes = tables.outcome_records(database)

    def save(
        self,
        card: Card,
        *,
        by: str,
        note: str = "",
        probes: Sequence[Probe] | None = None,
        upon: int | None = None,
    ) -> Card:
        """Keep a card as its next revision; the stored checks stay when none are given.

        Raises
        ------
        ChangedMeanwhile : when the card is no longer at the revision `upon`
        """
        before = self._cards.get(card.id)
        if upon is not None and (before is None or before["revision"] != upon):
            now = f"is at revision {before['revision']}" if before else "is gone"
            raise ChangedMeanwhile(
                f"revision: card {card.id!r} {now}, not at {upon}; read it again, then decide"
            )
        card = replace(checked(card), revision=before["revision"] + 1 if before else 1)
        kept = before["probes"] if before and probes is None else probes_document(probes or ())
        self._cards.save([_card_row(card, kept, at=self.clock.now(), by=by)])
        self._note(card, by=by, note=note)
        return card

    def _note(self, card: Card, *, by: str, note: str) -> None:
        row = {"id": f"{card.id}.{card.revision}", "card_id": card.id, "revision": card.revision}
        self._revisions.save(
            [{**row, "document": card_document(card), "at": self.clock.now(), "by": by, "note": note}]
        )

    def card(self, key: str) -> Card:
        """The card with an id.

        Raises
        ------
        UsageError : when there is none
        """
        if (row := self._cards.get(key)) is None:
            raise UsageError(
                f"id: there is no card {key!r}; `sre-copilot knowledge card list` shows those there are"
            )
        return card_from(row["document"])

    def has_card(self, key: str) -> bool:
        """Whether there is a card with an id."""
        return self._cards.get(key) is not None

    def cards(
        self, *, standing: Standing | None = None, fault_type: str = "", service: str = ""
    ) -> tuple[Card, ...]:
        """Cards, the last changed first; those of a service and those that hold everywhere."""
        chosen: dict[str, Any] = {"standing": standing} if standing else {}
        chosen |= {"fault_type": fault_type} if fault_type else {}
        found = (card_from(row["document"]) for row in every(self._cards, **chosen))
        return tuple(
            card for card in found if not service or not card.scope.services or service in card.scope.services
        )

    def revisions(self, key: str) -> tuple[Mapping[str, Any], ...]:
        """Every revision of a card, the latest first: number, time, who, why and the card."""
        rows = every(self._revisions, card_id=key)
        return tuple(
            {**row, "card": card_from(row["document"])} for row in sorted(rows, key=lambda r: -r["revision"])
        )

    def restore(self, key: str, revision: int, *, by: str) -> Card:
        """Bring an earlier revision back as a new one; it is a draft until somebody accepts it.

        Raises
        ------
        UsageError : when there is no such revision
        """
        for row in self.revisions(key):
            if row["revision"] == revision:
                earlier = replace(row["card"], standing="draft", trust=self.card(key).trust)
                return self.save(earlier, by=by, note=f"revision {revision} brought back")
        raise UsageError(f"revision: card {key!r} has no revision {revision}")

    def save_past(self, past: PastFault, *, by: str, probes: Sequence[Probe] | None = None) -> PastFault:
        """Keep a past fault."""
        before = self._past.get(past.id)
        kept = before["probes"] if before and probes is None else probes_document(probes or ())
        self._past.save([_past_row(past, kept, at=self.clock.now(), by=by)])
        return past

    def past(self, key: str) -> PastFault:
        """The past fault with an id.

        Raises
        ------
        UsageError : when there is none
        """
        if (row := self._past.get(key)) is None:
            raise UsageError(f"id: there is no past fault {key!r}")
        return past_from(row["document"])

    def past_faults(
        self, *, standing: Standing | None = None, service: str = "", fault_type: str = "", severity: str = ""
    ) -> tuple[PastFault, ...]:
        """Past faults, the latest first."""
        wanted = {"standing": standing, "service": service, "fault_type": fault_type, "severity": severity}
        chosen = {name: value for name, value in wanted.items() if value}
        return tuple(past_from(row["document"]) for row in every(self._past, **chosen))

    def known(self) -> tuple[Known, ...]:
        """All that was accepted, ready to be recalled."""
        cards = (
            Known(card=card_from(r["document"]), probes=probes_from(r["probes"]))
            for r in every(self._cards, standing="accepted")
        )
        past = (
            Known(past=past_from(r["document"]), probes=probes_from(r["probes"]))
            for r in every(self._past, standing="accepted")
        )
        return (*cards, *past)

    def turned(
        self, key: str, *, success: bool, weight: float, by: str, investigation_id: str
    ) -> Card | None:
        """Note how a recall turned out; the trust of a card moves, and one that fails repeatedly is retired."""
        now = self.clock.now()
        row = {"id": uuid.uuid4().hex, "at": now, "target_id": key, "success": success, "weight": weight}
        self._outcomes.save([{**row, "by": by, "investigation_id": investigation_id}])
        return self.weigh(key, by=by)

    def weigh(self, key: str, *, by: str) -> Card | None:
        """Reckon the trust of a card anew from all its outcomes."""
        if not self.has_card(key):
            return None
        card, now, known = self.card(key), self.clock.now(), self.outcomes(key)
        retired = card.standing == "accepted" and failed_repeatedly(known, now=now)
        card = replace(card, trust=trust(known, now=now), standing="retired" if retired else card.standing)
        if retired:
            return self.save(card, by=by, note="it failed repeatedly")
        before = self._cards.get(key)
        self._cards.save([_card_row(card, before["probes"] if before else [], at=now, by=by)])
        return card

    def outcomes(self, key: str) -> tuple[Turned, ...]:
        """How its recalls turned out."""
        rows = every(self._outcomes, target_id=key)
        return tuple(Turned(at=row["at"], success=row["success"], weight=row["weight"]) for row in rows)


def every(records: Records, **equal: Any) -> Iterable[Mapping[str, Any]]:
    """All rows whose columns equal what is given, page by page."""
    cursor = None
    while True:
        page = records.page(cursor=cursor, limit=PAGE, **equal)
        yield from page.rows
        if (cursor := page.next) is None:
            return


def _card_row(card: Card, probes: Any, *, at: float, by: str) -> dict[str, Any]:
    columns = {
        name: getattr(card, name) for name in ("id", "title", "fault_type", "standing", "trust", "revision")
    }
    return {**columns, "document": card_document(card), "probes": probes, "updated_at": at, "updated_by": by}


def _past_row(past: PastFault, probes: Any, *, at: float, by: str) -> dict[str, Any]:
    columns = {
        name: getattr(past, name) for name in ("id", "at", "service", "fault_type", "severity", "standing")
    }
    return {**columns, "document": past_document(past), "probes": probes, "updated_at": at, "updated_by": by}
