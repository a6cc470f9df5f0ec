"""Who somebody is, as far as approving goes: tokens and senders in chat as persons, with their role and groups as they are now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sre_copilot.alerts.oncall.people import Person
from sre_copilot.alerts.oncall.roster import Roster
from sre_copilot.app.callers import person_in
from sre_copilot.app.oncall_changes import person_called
from sre_copilot.decision.approval.model import Approver
from sre_copilot.settings.acting.approval import Approval
from sre_copilot.settings.section import ROLES, Role
from sre_copilot.store.tokens import Token, TokenStore


@dataclass(frozen=True, slots=True)
class People:
    """Whom the tokens, the roster and the settings know."""

    settings: Approval
    tokens: TokenStore
    roster: Callable[[], Roster]

    def of_token(self, token: Token) -> Approver:
        """Whoever holds a token, with the role of that token."""
        return self._approver(token.name, token.role, token.id)

    def of_sender(self, platform: str, sender: str) -> Approver | None:
        """The person whose id on a platform this is, with the best role that they have now; None where it is nobody's, or several persons'."""
        alike = [
            each
            for each in self.roster().people.values()
            if sender and each.addresses.get(platform) == sender
        ]
        return self.now().get(alike[0].id) if len(alike) == 1 else None

    def now(self) -> Mapping[str, Approver]:
        """Everybody who has a living token, or may approve in chat, by who they are; of several tokens the strongest counts."""
        found: dict[str, Approver] = {}
        for token in self.tokens.all():
            if token.revoked_at is None:
                _keep(found, self.of_token(token))
        roster = self.roster()
        for name in self.settings.chat_approvers:
            if person_called(roster, name) is not None:
                _keep(found, self._approver(name, self.settings.role))
        return found

    def id_of(self, name: str) -> str:
        """Who is meant by a name, be it a person's key, name or e-mail, or that of a token; how they came is no part of who they are."""
        plain = person_in(name)
        person = person_called(self.roster(), plain)
        return person.id if person is not None else plain.casefold()

    def _approver(self, name: str, role: Role, token_id: str = "") -> Approver:
        person = person_called(self.roster(), name)
        key = person.id if person is not None else name.strip().casefold()
        shown = person.name if person is not None else name
        return Approver(id=key, name=shown, role=role, groups=self._groups(name, person), token_id=token_id)

    def _groups(self, name: str, person: Person | None) -> frozenset[str]:
        called = {
            name.strip().casefold(),
            *((person.id.casefold(), person.name.casefold()) if person else ()),
        }
        return frozenset(
            key
            for key, group in self.settings.groups.items()
            if called & {each.strip().casefold() for each in group.people}
        )


def _keep(found: dict[str, Approver], approver: Approver) -> None:
    known = found.get(approver.id)
    if known is None or ROLES.index(approver.role) > ROLES.index(known.role):
        found[approver.id] = approver
