"""What the executor `tickets` can be told: the system, and which of its tickets may be touched."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from sre_copilot.action.executors.levels import Level
from sre_copilot.action.notify.settings import check_address
from sre_copilot.settings.secret import Secret
from sre_copilot.settings.section import Section


class TicketsExecutorSettings(Section):
    """What the executor `tickets` can be told."""

    name: str = Field(default="tickets", pattern=r"^[a-z0-9][a-z0-9_-]*$")
    """How plans call it; actions are `NAME.create`, `NAME.comment` and `NAME.transition`."""
    system: Literal["jira", "servicenow", "webhook"]
    """What it speaks to. A webhook is told what to do, with the key in `Idempotency-Key`; it shows no state, so that it is at-least-once."""
    url: str
    """Address of the system, `https://HOST`; of a webhook, the whole address."""
    username: str = ""
    """Account; empty: the token goes alone, as a bearer."""
    token: Secret | None = None
    """Token or password."""
    queue: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
    """Key of the Jira project, name of the ServiceNow table (`incident`), or any word that a webhook understands."""
    tickets: tuple[str, ...] = ("*",)
    """Patterns of tickets that may be commented and moved on."""
    issue_type: str = "Task"
    """Type of tickets that are created in Jira."""
    states: tuple[str, ...] = ()
    """States to which tickets may be moved on, as the system writes them (`Done`; in ServiceNow the value, `6`); none: no ticket can be."""
    cloud: bool = False
    """Jira Cloud, which searches at another path than Jira Data Center."""
    level: Level = "irreversible"
    """How bad it can be; a ticket breaks nothing, but who creates a thousand cannot take back that people were called."""
    ca_file: Path | None = None
    """Certificates to trust besides the system's own, PEM."""
    allow_plaintext: bool = False
    """Speak plain HTTP to another machine; off, for everyone between could read the token."""
    timeout_seconds: float = Field(default=10.0, gt=0, le=120)
    """Longest wait for one answer; never longer than what is left of an action's own time."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_address(self.url, key="url", allow_plaintext=self.allow_plaintext)
        if self.username and not self.token:
            raise ValueError("token: is missing; it goes with username")
        return self
