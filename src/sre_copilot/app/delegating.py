"""Who may vote with the authority of whom: given by that person, or by an admin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sre_copilot.app.approval_people import People
from sre_copilot.app.approval_rows import scope_row
from sre_copilot.clock import Clock
from sre_copilot.decision.approval.model import Approver, Scope
from sre_copilot.errors import UsageError
from sre_copilot.settings.section import at_least
from sre_copilot.store.approvals import DelegationStore
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.paging import Row

LONGEST_S = 366 * 86_400.0  # what is for longer is a change of roles


class NotYours(UsageError):  # noqa: N818 - a kind of UsageError, and it reads better so
    """Somebody else's authority, which only they or an admin give away."""


@dataclass(frozen=True, slots=True)
class Delegating:
    """Adds and ends delegations; what is refused is noted, too."""

    store: DelegationStore
    chain: AuditChain
    people: People
    clock: Clock

    def add(
        self,
        *,
        by: Approver,
        who: str,
        giver: str,
        taker: str,
        scope: Scope,
        starts_at: float,
        ends_at: float,
        reason: str,
    ) -> Row:
        """Let `taker` vote with the authority of `giver` ('': of whoever asks) from a time until a time.

        Raises
        ------
        NotYours : when it is somebody else's authority, and who asks is no admin
        UsageError : when a person is not known, or the times cannot be
        """
        now = self.clock.now()
        row = {"giver": self.people.id_of(giver) if giver else by.id, "taker": self.people.id_of(taker),
               "scope": scope_row(scope), "starts_at": starts_at, "ends_at": ends_at, "reason": reason,
               "made_by": who, "made_at": now}  # fmt: skip
        problem = self._not_his(by, str(row["giver"])) or self._impossible(row, now)
        if problem is not None:
            detail = {"giver": row["giver"], "taker": row["taker"], "problem": str(problem)}
            self.chain.note(
                who, "delegation.add", str(row["taker"]), outcome="refused", detail=detail, at=now
            )
            raise problem
        return self.store.add(row)

    def revoke(self, key: str, *, by: Approver, who: str) -> bool:
        """End a delegation; False when it has ended, or there is none.

        Raises
        ------
        NotYours : when it is somebody else's
        """
        row, now = self.store.get(key), self.clock.now()
        if row is None:
            return False
        problem = self._not_his(by, row["giver"])
        if problem is not None and by.id != row["taker"]:
            self.chain.note(
                who, "delegation.revoke", key, outcome="refused", detail={"problem": str(problem)}, at=now
            )
            raise problem
        return self.store.revoke(key, by=who, at=now)

    def living(self) -> tuple[Row, ...]:
        """Those that hold now or will."""
        rows = self.store.all(ended_after=self.clock.now())
        return tuple(row for row in rows if row["revoked_at"] is None)

    @staticmethod
    def _not_his(by: Approver, giver: str) -> NotYours | None:
        if by.id == giver or at_least(by.role, "admin"):
            return None
        return NotYours(
            f"giver: {by.name} may not give away the authority of {giver!r}; only that person or an admin may"
        )

    def _impossible(self, row: dict[str, Any], now: float) -> UsageError | None:
        known = {*self.people.now(), *self.people.roster().people}
        for name in ("giver", "taker"):
            if row[name] not in known:
                return UsageError(
                    f"{name}: {row[name][:80]!r} is nobody of alerting.people.persons, and no token has that name"
                )
        if row["giver"] == row["taker"]:
            return UsageError("taker: is the same person as the giver; name another")
        if not now < row["ends_at"] <= row["starts_at"] + LONGEST_S or row["ends_at"] <= row["starts_at"]:
            return UsageError(
                "ends_at: must lie after the start, not in the past, and at most 366 days after the start"
            )
        return None
