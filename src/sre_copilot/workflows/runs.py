"""Runs of workflows: begun once for each cause, looked at, cancelled, gone on with, answered. Nothing runs for ever: `turn` sees to it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sre_copilot.clock import Clock
from sre_copilot.durable.port import Durable
from sre_copilot.errors import SreCopilotError, UsageError
from sre_copilot.settings.section import ROLES, Role, at_least
from sre_copilot.store.paging import Row
from sre_copilot.store.workflow_runs import UNFINISHED, RunStore
from sre_copilot.telemetry import log
from sre_copilot.workflows.branching import NAME
from sre_copilot.workflows.collection import Collection, unknown
from sre_copilot.workflows.engine import Engine
from sre_copilot.workflows.frames import Frame, parsed
from sre_copilot.workflows.logs import Step, steps_of
from sre_copilot.workflows.providers import SubWorkflowCall
from sre_copilot.workflows.resuming import RESUMES, Left, left_by
from sre_copilot.workflows.steps.doing import Doing
from sre_copilot.workflows.steps.order import Order
from sre_copilot.workflows.steps.people import answer_of, topic_of
from sre_copilot.workflows.values import inputs_of

MOST_DEPTH = 5  # of workflows within workflows
LATE_S = 60.0  # after its deadline a run has had time to end by itself
UNBEGUN_S = 10.0  # after that whoever kept a run and did not begin it is dead
LOOK_EVERY_S = 600.0  # at all unfinished runs
AT_ONCE = 500
_log = log(__name__)

Begun = Literal["started", "known", "too_many"]


@dataclass(frozen=True, slots=True)
class Started:
    """What came of a start: the id of the run, and whether it is a new one; '' where too many are under way."""

    run: str
    outcome: Begun


class Runs:
    """Starts runs, and looks after them."""

    def __init__(
        self, collection: Collection, store: RunStore, durable: Durable, doing: Doing, clock: Clock
    ) -> None:
        self.collection, self.store, self.durable, self.clock = collection, store, durable, clock
        self.engine = Engine(durable, doing)
        self._doing = doing
        doing.begin = self._begin_inner
        doing.cancel = lambda run: self.cancel(run, who="the workflow that began it")
        self._looked_at = 0.0

    def start(
        self,
        workflow: str,
        inputs: Mapping[str, Any],
        *,
        who: str,
        role: Role,
        trigger: Mapping[str, Any] | None = None,
        cause: str = "",
        version: int | None = None,
        incident: str = "",
    ) -> Started:
        """Start a workflow, once for each cause.

        Raises
        ------
        UsageError : there is no such workflow, or an input is wrong
        """
        kept = self.collection.version(workflow, version)
        spec = parsed(kept["text"])
        now, run = self.clock.now(), new_id()
        frame = Frame(
            run=run, workflow=workflow, version=kept["version"], text=kept["text"], deadline=now + spec.timeout, now=now, who=who, role=role,
            inputs=inputs_of(spec, inputs), trigger=trigger or {"type": "manual"}, incident=incident, ancestors=(workflow,),
        )  # fmt: skip
        return self._open(frame, cause=cause or f"run/{run}", at_once=spec.at_once)

    def resume(self, run: str, *, who: str, role: Role) -> Started:
        """Go on with a run that failed or was cancelled: what it had finished is not done again. It has the lower of both roles, that of the run and that of whoever goes on.

        Raises
        ------
        UsageError : when it is not over, or has succeeded
        """
        row = self._known(run)
        if row["status"] in UNFINISHED or row["status"] == "succeeded":
            raise UsageError(
                f"run {run}: is {row['status']}. Only a run that failed, was cancelled or took too long can be gone on with."
            )
        kept = self.collection.version(row["workflow_id"], row["version"])
        spec, left = parsed(kept["text"]), left_by(self.durable, self.store, run)
        now, new, lower = self.clock.now(), new_id(), min(role, row["role"], key=ROLES.index)
        frame = Frame(
            run=new, workflow=row["workflow_id"], version=row["version"], text=kept["text"], deadline=now + spec.timeout,
            now=now, who=who, role=lower, inputs=row["inputs"], trigger={**row["trigger"], RESUMES: run}, incident=row["incident_id"],
            ancestors=(row["workflow_id"],), kept=left.kept, begun=left.begun,
        )  # fmt: skip
        return self._open(frame, cause=f"resume/{run}/{row['finished_at']}", at_once=spec.at_once)

    def asked_so(
        self, run: str, inputs: Mapping[str, Any], *, version: int | None = None, incident: str = ""
    ) -> bool:
        """Whether a run was started with this, as its own version understands it."""
        row = self._known(run)
        spec = parsed(self.collection.version(row["workflow_id"], row["version"])["text"])
        given = (inputs_of(spec, inputs), incident, version or row["version"])
        return given == (row["inputs"], row["incident_id"], row["version"])

    def cancel(self, run: str, *, who: str) -> bool:
        """End a run before its next step, with all that it began; False when it is over already."""
        row = self._known(run)
        if not self.store.finish(run, "cancelled", now=self.clock.now(), error=f"cancelled by {who}"):
            return False
        self._end(run, who=who)
        if row["parent"]:
            self._tell_parent(row, "cancelled", f"cancelled by {who}")
        return True

    def answer(self, task: str, given: Mapping[str, Any], *, who: str, role: Role) -> Row:
        """Answer a task; the first answer counts.

        Raises
        ------
        UsageError : there is none, it is over, the answer does not fit, or the role may not
        """
        row = self.store.task(task)
        if row is None:
            raise UsageError(f"task {task!r}: is not there. List the open ones.")
        if not at_least(role, row["role"]):
            raise UsageError(f"task {task!r}: needs the role {row['role']}, and {who} has {role}.")
        answer, now = answer_of(row, given), self.clock.now()
        if not self.store.answer(task, answer, who=who, now=now):
            raise UsageError(f"task {task!r}: is answered or over already.")
        row |= {"status": "answered", "answer": answer, "answered_by": who, "answered_at": now}
        self._hand_on(row)
        return row

    def plan_over(self, run: str, plan_id: str) -> bool:
        """A plan that a run proposed is over: it need not wait for its next look; False when the run does not wait for it."""
        row = self.store.get(run)
        waiting = self._proposer(run, plan_id) if row is not None and row["status"] in UNFINISHED else None
        if waiting is None:
            return False
        self.durable.send(waiting, f"plan {plan_id}", {"over": True}, idempotency_key=plan_id)
        return True

    def get(self, run: str) -> Row:
        """One run; `waiting` until it has begun."""
        row = self._known(run)
        state = self.durable.state(run) if row["status"] == "waiting" else None
        return {**row, "status": "running"} if state is not None and state.status == "running" else row

    def steps(self, run: str) -> tuple[Step, ...]:
        """What a run has done and is doing, branches included."""
        row = self._known(run)
        text = self.collection.version(row["workflow_id"], row["version"])["text"]
        return steps_of(self.durable, run, parsed(text), over=row["status"] not in UNFINISHED)

    def turn(self) -> None:
        """Begin what was kept and not begun, hand on answers that the run did not hear of, end what takes too long."""
        now = self.clock.now()
        for row in self.store.unbegun(before=now - UNBEGUN_S):
            if self._begin(row["id"], row["arguments"]):
                self.store.begun(row["id"])
        for task in self.store.unheard():
            if now - float(task["answered_at"] or now) > UNBEGUN_S:
                self._hand_on(task)
        for row in self.store.unfinished(before=now - LATE_S, limit=AT_ONCE):
            if self.store.finish(
                row["id"], "timed_out", now=now, error="was not over in the time of its workflow"
            ):
                self._end(row["id"], who="sre-copilot")
        if not 0 <= now - self._looked_at < LOOK_EVERY_S:
            self._looked_at = now
            self._look()

    def forget(self, *, before: float) -> int:
        """Delete runs that ended before a time; how many."""
        return self.store.forget(before=before)

    def _look(self) -> None:
        """Runs whose durable run is over without a word."""
        last: Row | None = None
        while rows := self.store.unfinished(limit=AT_ONCE, after=last):
            for row in rows:
                state = self.durable.state(row["id"])
                if state is None or state.status not in ("failed", "cancelled"):
                    continue
                self.store.finish(row["id"], state.status, now=self.clock.now(), error=state.error)
                self._end(row["id"], who="sre-copilot")
            last = rows[-1]

    def _open(self, frame: Frame, *, cause: str, at_once: int | None = None) -> Started:
        arguments = {"frame": frame.as_json()}
        row = {
            "id": frame.run, "workflow_id": frame.workflow, "version": frame.version, "parent": frame.parent, "cause": cause,
            "trigger": frame.trigger, "inputs": frame.inputs, "status": "waiting", "requested_by": frame.who, "role": frame.role,
            "incident_id": frame.incident, "arguments": arguments, "created_at": frame.now, "deadline": frame.deadline,
            "outputs": {}, "error": "",
        }  # fmt: skip
        found = self.store.open(row, at_once=at_once)
        if found == "opened":
            self._begin(frame.run, arguments)
            return Started(frame.run, "started")
        known = self.store.of_cause(cause) if found == "known" else None
        if found == "too_many":
            _log.warning(
                "a workflow is not started: so many of its runs are under way",
                workflow=frame.workflow,
                at_once=at_once,
                cause=cause,
            )
        return Started(known["id"], "known") if known else Started("", "too_many")

    def _begin(self, run: str, arguments: Mapping[str, Any]) -> bool:
        """Hand it to the durable runs, which take it once; where they cannot, `turn` does it later. That it was taken is noted then, too: most runs are over by then."""
        try:
            self.durable.start(NAME, arguments, key=run)
        except SreCopilotError as error:
            _log.warning("a run is begun later", run=run, problem=str(error))
            return False
        return True

    def _begin_inner(self, order: Order) -> str:
        """Start the workflow that a step names, and let it tell the step's run."""
        assert isinstance(order.step.provider, SubWorkflowCall)  # noqa: S101 - chosen by kind
        asked, outer = order.step.provider.with_, order.frame
        if asked.id in outer.ancestors or len(outer.ancestors) >= MOST_DEPTH:
            chain = " > ".join((*outer.ancestors, asked.id))
            raise UsageError(f"workflow {asked.id!r}: {chain} goes round, or deeper than {MOST_DEPTH}.")
        earlier = self._earlier(order)
        kept = self.collection.store.version(asked.id, earlier["version"] if earlier else asked.version)
        if kept is None:
            raise unknown(asked.id)
        spec, now, cause = parsed(kept["text"]), self.clock.now(), f"step/{order.effect}"
        inputs, trigger = inputs_of(spec, order.filled(asked.inputs)), {"type": "workflow", "workflow": outer.workflow, "run": outer.run, "step": order.label}  # fmt: skip
        left = Left()
        if earlier is not None and earlier["inputs"] == inputs:
            left, trigger = (
                left_by(self.durable, self.store, earlier["id"]),
                {**trigger, RESUMES: earlier["id"]},
            )
        frame = Frame(
            run=new_id(), workflow=asked.id, version=kept["version"], text=kept["text"], deadline=min(now + spec.timeout, order.until), now=now,
            who=outer.who, role=outer.role, inputs=inputs, incident=outer.incident, trigger=trigger, kept=left.kept, begun=left.begun,
            parent=order.key, topic=f"{order.label}:over", ancestors=(*outer.ancestors, asked.id),
        )  # fmt: skip
        opened = self._open(frame, cause=cause, at_once=spec.at_once)
        if opened.outcome == "too_many":
            raise UsageError(
                f"workflow {asked.id!r}: as many of its runs as its `at_once` ({spec.at_once}) allows are under way."
            )
        if self._doing.over(outer.run):  # it was ended meanwhile, by somebody who could not see this one yet
            self.cancel(opened.run, who="the workflow that began it")
        return opened.run

    def _earlier(self, order: Order) -> Row | None:
        """The run that the same step began in the run that this one goes on with; over by now."""
        assert isinstance(order.step.provider, SubWorkflowCall)  # noqa: S101 - chosen by kind
        asked = order.step.provider.with_
        begun = order.frame.begun.get(order.label, {}).get("run")
        row = self.store.get(begun) if begun else None
        if row is None or row["workflow_id"] != asked.id or asked.version not in (None, row["version"]):
            return None
        if row["status"] in UNFINISHED:
            self.cancel(row["id"], who="the run that goes on with it")
        return row

    def _known(self, run: str) -> Row:
        row = self.store.get(run)
        if row is None:
            raise UsageError(f"run {run!r}: is not there. List them with `workflow runs`.")
        return row

    def _proposer(self, run: str, plan_id: str) -> str | None:
        """The durable run that waits for a plan: the run itself, or one of its branches."""
        for step in self.durable.steps(run):
            kind = step.name.rpartition(":")[2]
            if kind == "propose" and isinstance(step.result, dict) and step.result.get("plan_id") == plan_id:
                return run
            if kind.startswith("start ") and isinstance(step.result, str):
                found = self._proposer(step.result, plan_id)
                if found is not None:
                    return found
        return None

    def _end(self, run: str, *, who: str) -> None:
        """End what a run has begun, also what it was beginning just now and has not kept yet."""
        self._end_all(run, who=who)
        decide = self._doing.ports.decide
        try:
            if decide is not None:
                decide.withdraw_all(run, who=who)
        except SreCopilotError as error:
            _log.warning("plans of a run that is over are left", run=run, problem=str(error))

    def _end_all(self, run: str, *, who: str) -> None:
        """Cancel what a run is known to have begun: branches, other workflows, tasks, plans that nobody has decided on."""
        for step in self.durable.steps(run):
            self._end_what(step.name, step.result, who=who)
        self.durable.cancel(run)

    def _end_what(self, name: str, result: Any, *, who: str) -> None:
        kind = name.rpartition(":")[2]
        if kind.startswith("start ") and isinstance(result, str):
            self._end_all(result, who=who)
        elif kind == "start" and isinstance(result, dict) and self.store.get(str(result.get("run"))):
            self.cancel(result["run"], who=who)
        elif (
            kind == "propose"
            and isinstance(result, dict)
            and "plan_id" in result
            and self._doing.ports.decide is not None
        ):
            try:
                self._doing.ports.decide.withdraw(result["plan_id"], who=who)
            except SreCopilotError as error:
                _log.warning("a plan of a cancelled run is left", plan=result["plan_id"], problem=str(error))

    def _tell_parent(self, row: Row, status: str, error: str) -> None:
        step = row["trigger"].get("step")
        if step and self.durable.state(row["parent"]) is not None:
            told = {"status": status, "error": error, "output": None, "at": self.clock.now(), "place": 0}
            self.durable.send(row["parent"], f"{step}:over", told, idempotency_key=f"{row['id']}/cancel")

    def _hand_on(self, task: Row) -> None:
        message = {
            "answer": task["answer"],
            "by": task["answered_by"],
            "answered": True,
            "at": task["answered_at"],
        }
        try:
            self.durable.send(task["run_key"], topic_of(task["step"]), message, idempotency_key=task["id"])
            self.store.handed_on(task["id"])
        except SreCopilotError as error:
            _log.warning("an answer is handed on later", task=task["id"], problem=str(error))


def new_id() -> str:
    """An id of a run."""
    return f"WR-{uuid.uuid4().hex[:20]}"
