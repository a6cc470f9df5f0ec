"""What routes of workflows share: where they are kept and worked off, and how rows are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import Path, Request
from pydantic import Field

from sre_copilot.api.guard import may_see_all, service_of
from sre_copilot.api.problems import Problem
from sre_copilot.app.serving import Service
from sre_copilot.app.workflow_desk import WorkflowDesk
from sre_copilot.app.workflows import Workflows
from sre_copilot.clock import rfc3339
from sre_copilot.errors import UsageError
from sre_copilot.settings.section import at_least
from sre_copilot.store.alerting.audit import actor
from sre_copilot.store.paging import Row
from sre_copilot.store.tokens import Token
from sre_copilot.store.workflow_runs import RunStore
from sre_copilot.workflows.lint.remark import Remark
from sre_copilot.workflows.logs import Step
from sre_copilot.workflows.plain_yaml import MOST_CHARACTERS
from sre_copilot.workflows.resuming import role_that_sees

TIMES = (
    "created_at",
    "updated_at",
    "enabled_at",
    "applied_at",
    "finished_at",
    "deadline",
    "due_at",
    "answered_at",
    "at",
)
HIDDEN = ("arguments", "run_key", "handed_on", "digest")
Key = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="Id of the workflow.")]
Text = Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS)]
REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"description": "It cannot be used; line, path and the way out are named."},
    403: {"description": "The role does not see all that it is made of."},
    404: {"description": "There is none of this id."},
    409: {"description": "It is over already, or the same `Idempotency-Key` was used for something else."},
    412: {"description": "There is another version than the one that was read."},
    429: {"description": "Too many questions, or too many at once; `Retry-After` says when to try again."},
    503: {"description": "No process here works runs off; ask one that does."},
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of a route."""
    return {status: REFUSALS[status] for status in statuses}


def desk_of(service: Service) -> WorkflowDesk:
    """Texts, versions and drafts."""
    return WorkflowDesk(service.settings, service.database, service.clock)


def working(service: Service) -> Workflows:
    """What works runs off in this process.

    Raises
    ------
    Problem : 503 where none does
    """
    found: Workflows | None = service.workflows
    if found is None:
        raise Problem(
            503, "no worker is in this process, and runs are begun by one", headers={"Retry-After": "5"}
        )
    return found


def known(service: Service, key: str) -> Row:
    """A workflow with its text.

    Raises
    ------
    Problem : 404 where there is none
    """
    try:
        return desk_of(service).collection.get(key)
    except UsageError as error:
        raise Problem(404, str(error), field="key") from None


def row_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its times as people read them, without what is ours."""
    return {
        name: rfc3339(value) if name in TIMES else value for name, value in row.items() if name not in HIDDEN
    }


def hides(request: Request, run: Mapping[str, Any] | None) -> bool:
    """Whether what a run read is hidden from the token: it does not see every source, and the run read with a higher role, or with one that is not known any more."""
    if may_see_all(request):
        return False
    needed = role_that_sees(RunStore(service_of(request).database), run) if run is not None else None
    return needed is None or not at_least(token_of(request).role, needed)


def run_view(row: Mapping[str, Any], *, hidden: bool) -> dict[str, Any]:
    """A run; of a `hidden` one what it was given, what it gives and why it failed are left out."""
    if hidden:
        kind = {name: row["trigger"][name] for name in ("type",) if name in row["trigger"]}
        row = {**row, "trigger": kind, "inputs": {}, "outputs": {}, "error": ""}
    return {**row_view(row), "hidden": hidden}


def step_view(step: Step, *, hidden: bool) -> dict[str, Any]:
    """A step of a run; of a `hidden` one what it gave, why it failed and its log are left out."""
    if hidden:
        step = replace(step, output=None, error="", log=())
    return {**asdict(step), "began": rfc3339(step.began), "finished": rfc3339(step.finished)}


def task_view(row: Mapping[str, Any], *, hidden: bool) -> dict[str, Any]:
    """A task; of a `hidden` one what its texts and defaults were made of is left out, and its form stays."""
    if hidden:
        form = [{**each, "default": None} for each in row["form"]]
        row = {**row, "title": "", "body": "", "form": form}
    return {**row_view(row), "hidden": hidden}


def remark_view(remark: Remark) -> dict[str, Any]:
    """A remark of lint."""
    return {"weight": remark.weight, **asdict(remark.problem)}


def token_of(request: Request) -> Token:
    """Whose request it is."""
    token: Token = request.state.token
    return token


def who_of(request: Request) -> str:
    """The same, as the audit names them."""
    return actor(token_of(request))
