"""The executor `tickets`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sre_copilot.action.executor import ActionError, Call, Effect, Looked, Preview, Verified
from sre_copilot.action.executors.common import VerbExecutor, digest, matches, refused, schema, undoing
from sre_copilot.action.executors.levels import LEVELS
from sre_copilot.action.executors.tickets.settings import TicketsExecutorSettings
from sre_copilot.action.executors.tickets.systems import SYSTEMS, System, Ticket, mark_of
from sre_copilot.action.executors.wire import Wire
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, ActionSpec

TITLE = {
    "type": "string",
    "minLength": 1,
    "maxLength": 200,
    "pattern": r"^[^\x00-\x1f]+$",
    "description": "One line.",
}
TEXT = {
    "type": "string",
    "maxLength": 20_000,
    "default": "",
    "description": "What people shall read; no secret.",
}


class TicketsExecutor(VerbExecutor):
    """One queue of one system."""

    Settings: ClassVar[type[TicketsExecutorSettings]] = TicketsExecutorSettings

    def __init__(self, settings: TicketsExecutorSettings) -> None:
        wire = Wire(settings.name, timeout_s=settings.timeout_seconds, ca_file=settings.ca_file)
        system = SYSTEMS[settings.system](settings, wire)
        verbs: list[Create | Comment | Transition] = [Create(settings, system), Comment(settings, system)]
        if settings.states:
            verbs.append(Transition(settings, system))
        super().__init__(settings.name, verbs)


class TicketVerb:
    """What the three have in common."""

    verb = ""
    kind = "ticket"
    idempotent = False
    reversible = False

    def __init__(self, settings: TicketsExecutorSettings, system: System) -> None:
        self._settings, self._system = settings, system
        self.spec = ActionSpec(
            name=f"{settings.name}.{self.verb}",
            level=LEVELS[settings.level],
            parameters=self.parameters(),
            kinds=(self.kind,),
            does=Message(key=f"tickets.does.{self.verb}"),
            reversible=self.reversible and system.tells,
            exactly_once=system.tells,
            idempotent=self.idempotent and system.tells,
        )

    def parameters(self) -> dict[str, Any]:
        """Their schema."""
        raise NotImplementedError

    def adjust(self, action: Action) -> Action:
        """The action as it is, if its ticket may be touched."""
        name = action.target.name
        if not matches(name, self._settings.tickets):
            raise self._refused(f"target.name: {name} is not among those that the settings allow ({', '.join(self._settings.tickets)})")  # fmt: skip
        if set("^/=\\?#%") & set(name) or set(name) == {"."}:
            raise self._refused(f"target.name: {name!r} is no ticket; write it as the system shows it")
        return action

    def look(self, action: Action) -> Looked:
        """State of the ticket."""
        ticket = self._system.ticket(action.target.name, None)
        if ticket is None:
            return Looked(exists=False)
        return Looked(exists=True, state={"state": ticket.state}, digest=digest(ticket.state) if self._system.tells else "")  # fmt: skip

    def preview(self, action: Action) -> Preview:
        """What would be written."""
        state = dict(self.look(action).state)
        lines = tuple(f"{name}: {value}" for name, value in action.parameters.items())
        return Preview(before=state, after=state, difference=lines, objections=self._objections())

    def backup(self, action: Action) -> Mapping[str, Any]:
        """The state."""
        return dict(self.look(action).state)

    def verify(self, action: Action, call: Call) -> Verified:
        """Whether the system holds it."""
        found = self.done(action, call, {})
        if found is None:
            return Verified(ok=True, settled=True, reason=Message(key="tickets.verify.accepted"))
        word = "there" if found else "not_there"
        return Verified(ok=found, settled=found, reason=Message(key=f"tickets.verify.{word}"))

    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None:
        """By the mark, or the state."""
        raise NotImplementedError

    def undo(self, action: Action, call: Call, backup: Mapping[str, Any]) -> Effect:
        """People have read it."""
        raise self._refused(f"{self.spec.name} cannot be undone; let a person decide")

    def _there(self, action: Action, call: Call) -> Ticket:
        ticket = self._system.ticket(action.target.name, call)
        if ticket is None:
            raise self._refused(f"target.name: there is no ticket {action.target.name}; correct it")
        return ticket

    def _objections(self) -> tuple[Message, ...]:
        return () if self._system.tells else (Message(key="tickets.objection.no_trace"),)

    def _refused(self, problem: str) -> ActionError:
        return refused(self._settings.name, problem)


class Create(TicketVerb):
    """`create`."""

    verb, kind = "create", "queue"

    def parameters(self) -> dict[str, Any]:
        """Title and text."""
        return schema(("title",), title=TITLE, text=TEXT)

    def adjust(self, action: Action) -> Action:
        """The action as it is, if it is about our queue."""
        if action.target.name != self._settings.queue:
            raise self._refused(f"target.name: {action.target.name} is not the queue of the settings, {self._settings.queue}")  # fmt: skip
        return action

    def look(self, action: Action) -> Looked:
        """Whether the queue is there."""
        ready = self._system.ready(None)
        return Looked(exists=ready, state={"queue": action.target.name}, digest=digest(action.target.name))

    def execute(self, action: Action, call: Call) -> Effect:
        """Create it, unless one bears its mark."""
        found = self._system.by_key(mark_of(call), call)
        if found:
            return Effect(changed=False, detail=self._named(found))
        given = action.parameters
        name = self._system.create(given["title"], given["text"], mark_of(call), call) or mark_of(call)
        return Effect(changed=True, detail=self._named(name))

    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None:
        """By the mark."""
        return bool(self._system.by_key(mark_of(call), call)) if self._system.tells else None

    def verify(self, action: Action, call: Call) -> Verified:
        """Whether the system holds it, and under which name."""
        found = self._system.by_key(mark_of(call), call) if self._system.tells else mark_of(call)
        word = "accepted" if not self._system.tells else "there" if found else "not_there"
        detail = self._named(found) if found else {}
        return Verified(ok=bool(found), settled=bool(found), reason=Message(key=f"tickets.verify.{word}"), detail=detail)  # fmt: skip

    def _named(self, name: str) -> dict[str, str]:
        link = self._system.link(name)
        return {"ticket": name, **({"link": link} if link else {})}


class Comment(TicketVerb):
    """`comment`."""

    verb = "comment"

    def parameters(self) -> dict[str, Any]:
        """The text."""
        return schema(("text",), text={name: value for name, value in TEXT.items() if name != "default"})

    def execute(self, action: Action, call: Call) -> Effect:
        """Write it, unless it is there."""
        ticket = self._there(action, call)
        if self._system.commented(ticket, mark_of(call), call):
            return Effect(changed=False)
        self._system.comment(ticket, action.parameters["text"], mark_of(call), call)
        return Effect(changed=True, detail={"ticket": ticket.name})

    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None:
        """By the mark."""
        if not self._system.tells:
            return None
        return self._system.commented(self._there(action, call), mark_of(call), call)


class Transition(TicketVerb):
    """`transition`."""

    verb, idempotent, reversible = "transition", True, True

    def parameters(self) -> dict[str, Any]:
        """The state."""
        return schema(
            ("state",), state={"enum": list(self._settings.states), "description": "State to come to."}
        )

    def preview(self, action: Action) -> Preview:
        """State before and after."""
        before, after = dict(self.look(action).state), {"state": action.parameters["state"]}
        line = f"state: {before.get('state')} -> {after['state']}"
        return Preview(before=before, after=after, difference=(line,), objections=self._objections())

    def execute(self, action: Action, call: Call) -> Effect:
        """Move it on, unless it is there."""
        return self._moved(self._there(action, call), action.parameters["state"], call)

    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None:
        """By the state."""
        if not self._system.tells:
            return None
        wanted = backup.get("state") if undoing(call) else action.parameters["state"]
        return self._there(action, call).state == wanted

    def undo(self, action: Action, call: Call, backup: Mapping[str, Any]) -> Effect:
        """Move it back, if it is still where it was brought."""
        if not self._system.tells:
            return super().undo(action, call, backup)
        ticket = self._there(action, call)
        if ticket.state not in {action.parameters["state"], backup["state"]}:
            raise self._refused(f"{ticket.name} was moved on by somebody else meanwhile; let a person decide")
        return self._moved(ticket, str(backup["state"]), call)

    def _moved(self, ticket: Ticket, state: str, call: Call) -> Effect:
        if ticket.state == state:
            return Effect(changed=False)
        self._system.move(ticket, state, call)
        return Effect(changed=True, detail={"ticket": ticket.name, "state": state})
