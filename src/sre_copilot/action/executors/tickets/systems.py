"""Jira, ServiceNow and a webhook, as far as the three actions need them. The key of an effect becomes one word that the system keeps: a label, a correlation id, a line of a comment."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from sre_copilot.action.exchange import Answer
from sre_copilot.action.executor import ActionError, Call
from sre_copilot.action.executors.common import refused
from sre_copilot.action.executors.tickets.settings import TicketsExecutorSettings
from sre_copilot.action.executors.wire import Ask, Wire

NAME = re.compile(r"\w[\w.:#-]{0,99}")  # of a ticket, as a webhook may answer it: short, and one word
NEWEST = 100  # comments among which one of ours is looked for: it was written minutes ago


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket: the id that people use, the one that the system uses, and its state."""

    name: str
    id: str
    state: str


class System(Protocol):
    """One ticket system."""

    tells: bool
    """Whether it shows what it holds."""

    def link(self, name: str) -> str:
        """Where people see a ticket; '' where nobody knows."""
        ...

    def ready(self, call: Call | None) -> bool:
        """Whether the queue is there."""
        ...

    def by_key(self, mark: str, call: Call) -> str:
        """The ticket that bears a mark; '' when none does."""
        ...

    def ticket(self, name: str, call: Call | None) -> Ticket | None:
        """A ticket by its name."""
        ...

    def commented(self, ticket: Ticket, mark: str, call: Call) -> bool:
        """Whether one of its newest comments bears a mark."""
        ...

    def create(self, title: str, text: str, mark: str, call: Call) -> str:
        """Create one."""
        ...

    def comment(self, ticket: Ticket, text: str, mark: str, call: Call) -> None:
        """Comment it."""
        ...

    def move(self, ticket: Ticket, state: str, call: Call) -> None:
        """Bring it to another state."""
        ...


def mark_of(call: Call) -> str:
    """One word for a key, of letters that all systems take in a label."""
    return "sre-copilot-" + hashlib.sha256(call.key.encode()).hexdigest()[:24]


class Talks:
    """Requests with the account."""

    tells = True

    def __init__(self, settings: TicketsExecutorSettings, wire: Wire) -> None:
        self._settings, self._wire = settings, wire
        self._base = settings.url.rstrip("/")

    def ask(
        self,
        method: str,
        path: str,
        call: Call | None,
        *,
        query: Mapping[str, str] | None = None,
        json: Any = None,
        more: Mapping[str, str] | None = None,
        absent: bool = False,
    ) -> Any:
        """The document that is answered; None for a 404 where that is an answer."""
        headers = {"Accept": "application/json", **self._login(), **(more or {})}
        ask = Ask(method=method, url=self._base + path, headers=headers, query=query or {}, json=json, changes=method != "GET")  # fmt: skip
        answer: Answer = self._wire.send(ask, call)
        if absent and answer.status == 404:
            return None
        if not answer.ok:
            raise self._wire.refused(answer, f"{method} {self._settings.system}", changes=ask.changes)
        return answer.document() or {}

    def refused(self, problem: str) -> ActionError:
        """An error: nothing was done."""
        return refused(self._settings.name, problem)

    def _login(self) -> dict[str, str]:
        if not self._settings.token:
            return {}
        token = self._settings.token.get_secret_value()
        if not self._settings.username:
            return {"Authorization": f"Bearer {token}"}
        plain = f"{self._settings.username}:{token}".encode()
        return {"Authorization": f"Basic {base64.b64encode(plain).decode()}"}


class Jira(Talks):
    """Jira by its REST API, version 2."""

    def link(self, name: str) -> str:
        """Its page."""
        return f"{self._base}/browse/{quote(name, safe='')}"

    def ready(self, call: Call | None) -> bool:
        """Whether the project is there."""
        return self.ask("GET", f"/rest/api/2/project/{self._settings.queue}", call, absent=True) is not None

    def by_key(self, mark: str, call: Call) -> str:
        """By its label."""
        path = "/rest/api/2/search" + ("/jql" if self._settings.cloud else "")
        query = {"jql": f'project = "{self._settings.queue}" AND labels = "{mark}"', "fields": "labels", "maxResults": "1"}  # fmt: skip
        found = self.ask("GET", path, call, query=query).get("issues", [])
        return str(found[0]["key"]) if found else ""

    def ticket(self, name: str, call: Call | None) -> Ticket | None:
        """By its key."""
        found = self.ask("GET", f"/rest/api/2/issue/{quote(name, safe='')}", call, query={"fields": "status"}, absent=True)  # fmt: skip
        if found is None:
            return None
        return Ticket(name, quote(name, safe=""), str(found["fields"]["status"]["name"]))

    def commented(self, ticket: Ticket, mark: str, call: Call) -> bool:
        """By the last line of a comment."""
        query = {"orderBy": "-created", "maxResults": str(NEWEST)}
        found = self.ask("GET", f"/rest/api/2/issue/{ticket.id}/comment", call, query=query)
        return any(mark in str(each.get("body", "")) for each in found.get("comments", []))

    def create(self, title: str, text: str, mark: str, call: Call) -> str:
        """With the mark as a label."""
        own = self._settings
        fields = {"project": {"key": own.queue}, "issuetype": {"name": own.issue_type}, "summary": title, "description": text, "labels": [mark]}  # fmt: skip
        return str(self.ask("POST", "/rest/api/2/issue", call, json={"fields": fields}).get("key", ""))

    def comment(self, ticket: Ticket, text: str, mark: str, call: Call) -> None:
        """With the mark as its last line."""
        self.ask("POST", f"/rest/api/2/issue/{ticket.id}/comment", call, json={"body": f"{text}\n\n{mark}"})

    def move(self, ticket: Ticket, state: str, call: Call) -> None:
        """By the transition that leads to the state."""
        path = f"/rest/api/2/issue/{ticket.id}/transitions"
        ways = self.ask("GET", path, call).get("transitions", [])
        way = next((each["id"] for each in ways if each["to"]["name"] == state), None)
        if way is None:
            raise self.refused(f"no transition leads from {ticket.state} to {state}; let a person move {ticket.name}")  # fmt: skip
        self.ask("POST", path, call, json={"transition": {"id": way}})


class ServiceNow(Talks):
    """ServiceNow by its Table API."""

    def link(self, name: str) -> str:
        """Its page, which is found by the number."""
        return f"{self._base}/{self._settings.queue}.do?sysparm_query=number={quote(name, safe='')}"

    def ready(self, call: Call | None) -> bool:
        """Whether the table can be read."""
        self._rows(self._settings.queue, "", "sys_id", call)
        return True

    def by_key(self, mark: str, call: Call) -> str:
        """By its correlation id; a condition on a field that a table lacks is ignored there, so the answer is compared."""
        rows = self._rows(self._settings.queue, f"correlation_id={mark}", "number,correlation_id", call)
        return next((str(row["number"]) for row in rows if row.get("correlation_id") == mark), "")

    def ticket(self, name: str, call: Call | None) -> Ticket | None:
        """By its number."""
        rows = self._rows(self._settings.queue, f"number={name}", "sys_id,number,state", call)
        return next((Ticket(name, str(row["sys_id"]), str(row["state"])) for row in rows if row.get("number") == name), None)  # fmt: skip

    def commented(self, ticket: Ticket, mark: str, call: Call) -> bool:
        """In the journal."""
        rows = self._rows(
            "sys_journal_field", f"element_id={ticket.id}^valueLIKE{mark}", "element_id,value", call
        )
        return any(row.get("element_id") == ticket.id and mark in str(row.get("value", "")) for row in rows)

    def create(self, title: str, text: str, mark: str, call: Call) -> str:
        """With the mark as correlation id."""
        row = {"short_description": title, "description": text, "correlation_id": mark, "correlation_display": "SRE Copilot"}  # fmt: skip
        made = self.ask("POST", f"/api/now/table/{self._settings.queue}", call, json=row)
        return str(made.get("result", {}).get("number", ""))

    def comment(self, ticket: Ticket, text: str, mark: str, call: Call) -> None:
        """As a work note, which customers do not see."""
        self._change(ticket, {"work_notes": f"{text}\n\n{mark}"}, call)

    def move(self, ticket: Ticket, state: str, call: Call) -> None:
        """By its field."""
        self._change(ticket, {"state": state}, call)

    def _change(self, ticket: Ticket, fields: Mapping[str, str], call: Call) -> None:
        self.ask("PATCH", f"/api/now/table/{self._settings.queue}/{ticket.id}", call, json=dict(fields))

    def _rows(self, table: str, query: str, fields: str, call: Call | None) -> list[dict[str, Any]]:
        asked = {
            "sysparm_query": query,
            "sysparm_fields": fields,
            "sysparm_limit": str(NEWEST if query else 1),
        }
        found: list[dict[str, Any]] = self.ask("GET", f"/api/now/table/{table}", call, query=asked).get(
            "result", []
        )
        return found


class Webhook(Talks):
    """Whatever takes a document by POST; it shows nothing."""

    tells = False

    def link(self, name: str) -> str:
        """Nobody knows."""
        return ""

    def ready(self, call: Call | None) -> bool:
        """Nobody knows."""
        return True

    def by_key(self, mark: str, call: Call) -> str:
        """Nobody knows."""
        return ""

    def ticket(self, name: str, call: Call | None) -> Ticket | None:
        """Nobody knows its state."""
        return Ticket(name, name, "")

    def commented(self, ticket: Ticket, mark: str, call: Call) -> bool:
        """Nobody knows."""
        return False

    def create(self, title: str, text: str, mark: str, call: Call) -> str:
        """Ask for it; its name is the `ticket` that is answered, where that is one; else the mark is."""
        name = self._post("create", call, title=title, text=text, mark=mark).get("ticket", "")
        return (
            str(name)
            if isinstance(name, str | int) and not isinstance(name, bool) and NAME.fullmatch(str(name))
            else ""
        )

    def comment(self, ticket: Ticket, text: str, mark: str, call: Call) -> None:
        """Ask for it."""
        self._post("comment", call, ticket=ticket.name, text=text, mark=mark)

    def move(self, ticket: Ticket, state: str, call: Call) -> None:
        """Ask for it."""
        self._post("transition", call, ticket=ticket.name, state=state, mark=mark_of(call))

    def _post(self, what: str, call: Call, **more: str) -> dict[str, Any]:
        document = {"action": what, "queue": self._settings.queue, "key": call.key, **more}
        found = self.ask("POST", "", call, json=document, more={"Idempotency-Key": call.key})
        return found if isinstance(found, dict) else {}


SYSTEMS: Mapping[str, type[Jira] | type[ServiceNow] | type[Webhook]] = {
    "jira": Jira,
    "servicenow": ServiceNow,
    "webhook": Webhook,
}
