"""One round of an investigation as a durable run: begin, look at the alert, look at everything, conclude and tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any, Protocol

from sre_copilot.agents.tool import Investigated
from sre_copilot.clock import Clock
from sre_copilot.domain.evidence import Message
from sre_copilot.durable.port import Run, StepFailed
from sre_copilot.errors import SreCopilotError
from sre_copilot.incidents.casework.alert_processor import AnalysisResult
from sre_copilot.incidents.casework.looking import Look, due_of, incident_of
from sre_copilot.incidents.casework.picture import Picture, Read, SeenAlert, document, of_document, united
from sre_copilot.incidents.casework.telling import command, concluded, failed, in_the_room
from sre_copilot.incidents.casework.voice import Voice, room_of
from sre_copilot.incidents.report.words import say
from sre_copilot.incidents.watch.inquiry import row_of
from sre_copilot.store.cases import CaseStore
from sre_copilot.store.paging import Row
from sre_copilot.store.records import Records
from sre_copilot.telemetry import OwnMetrics, clean, log

WORKFLOW = "investigate.1"
LANE = "investigations"
CHECK_S = 30.0  # a round that is under way is looked after so often: it may have ended without a word
WANTED = ("casework.again.asked",)
"""Reasons for which an incident is investigated even when it is over."""
HELPLESS = tuple(f"planning.none.{each}" for each in ("no_change", "no_way", "no_action", "not_now"))
"""Why there is no plan where nothing is known that helps against the type of fault that was named, or what is known cannot be done."""
RESTING = ("planning.none.helped", "planning.none.at_it")
"""Why there is no plan while what another one does, or did, has to show."""
Post = Callable[[str, dict[str, Any]], None]
"""Posts a command: its verb and its arguments; one with the same `key` may be posted twice and counts once."""
FirstLook = Callable[[SeenAlert], AnalysisResult]
WAYS = {"AUTO": "auto", "SEMI_AUTO": "semi_auto", "MANUAL": "manual"}
_log = log(__name__)


class Planner(Protocol):
    """Makes a plan of what was found, and proposes it."""

    def draft(self, incident_id: str, investigation_id: str, found: Investigated) -> dict[str, Any]:
        """`plan`, a text; or `none`, the sentence why there is none, and `details`."""
        ...

    def propose(self, text: str, *, key: str) -> dict[str, Any]:
        """`id`, `title`, `mode`, `risk` of the plan; or `none`, the sentence why it is not proposed. The same `key` again is no second plan."""
        ...


def key_of(incident_id: str, number: int) -> str:
    """The key of a round."""
    return f"investigation/{incident_id}/{number}"


class Rounds:
    """Carries out rounds; every step may be called again after a crash, and then changes nothing more."""

    def __init__(
        self,
        *,
        read: Read,
        cases: CaseStore,
        investigations: Records,
        voice: Voice,
        look: Look,
        post: Post,
        clock: Clock,
        own: OwnMetrics,
        first_look: FirstLook | None,
        planner: Planner | None = None,
    ) -> None:
        self._planner = planner
        self._read = read
        self._cases = cases
        self._investigations = investigations
        self._voice = voice
        self._look = look
        self._post = post
        self._clock = clock
        self._own = own
        self._first_look = first_look

    def run(self, run: Run, incident_id: str, number: int) -> dict[str, Any]:
        """The workflow."""
        begun = run.step("begin", self.begin, incident_id, number)
        if begun is None:
            return {"outcome": "not needed"}
        try:
            held = run.step("first look", self.first, incident_id, number, begun["picture"])
            told = run.step("investigate", self.investigate, number, begun["picture"], begun["at"], held)
        except StepFailed as error:
            told = run.step("failed", self.failed, incident_id, number, f"{error.kind}: {error.problem}")
        planned = told.get("plan")
        told = {name: value for name, value in told.items() if name != "plan"}
        if run.step("conclude", self.conclude, incident_id, number, told) and planned:
            self._propose(run, incident_id, number, planned)
        return {name: told[name] for name in ("outcome", "cause", "confidence", "investigation_id")}

    def begin(self, incident_id: str, number: int) -> dict[str, Any] | None:
        """Take the incident as it is now; None when it need not be investigated any more."""
        row, picture, now = self._cases.get(incident_id), self._read(incident_id), self._clock.now()
        if row is None or row["round"] != number or row["state"] not in ("waiting", "running"):
            return None
        if picture is None or (picture.over and not _wanted(row)):
            self._cases.change(
                incident_id, number=number, states=("waiting", "running"), now=now, state="over", due_at=None
            )
            return None
        if row["state"] == "running":
            return {"picture": row["basis"], "at": row["begun_at"]}
        basis = document(united(picture, of_document(row["basis"]) if row["basis"] else None))
        self._cases.change(
            incident_id, number=number, states=("waiting",), now=now, state="running", begun_at=now,
            due_at=now + CHECK_S, basis=basis,
        )  # fmt: skip
        self._voice.open(picture)
        self._voice.say(incident_id, "casework.begun", f"{number}/begun", round=number)
        return {"picture": basis, "at": now}

    def first(self, incident_id: str, number: int, kept: Mapping[str, Any]) -> float:
        """Tell what the context of the leading alert shows; return how long its rule waits before it fires, in seconds."""
        picture = of_document(kept)
        leading = picture.leading
        if self._first_look is None or leading is None:
            return 0.0
        try:
            found = self._first_look(leading)
        except SreCopilotError as error:
            _log.warning(
                "an alert could not be looked at by itself", alert=leading.name, problem=clean(str(error))
            )
            return 0.0
        lines = [say(_head(leading, found), self._voice.lang), *found.sentences(self._voice.lang)]
        ids = [finding.id for finding in found.findings]
        data = {"kind": "alert", "findings": ids}
        self._voice.answer(incident_id, "\n- ".join(lines), f"{number}/first look", data)
        return found.rule.for_seconds if found.rule else 0.0

    def investigate(self, number: int, kept: Mapping[str, Any], at: float, held: float) -> dict[str, Any]:
        """Look at everything, keep the investigation, and return what it concludes; what goes wrong is a conclusion, too."""
        began, picture = monotonic(), of_document(kept)
        key = key_of(picture.incident_id, number)
        try:
            told = self._investigated(picture, number, at, held)
        except SreCopilotError as error:
            return self._not_made(str(error), key=key, number=number)
        except Exception as error:  # noqa: BLE001 - a step of a workflow: whatever it was, the room hears of it
            _log.exception("an investigation failed", case=picture.incident_id)
            return self._not_made(f"{type(error).__name__}: {error}", key=key, number=number)
        self._own.investigations.labels(told["outcome"]).inc()
        self._own.investigation_seconds.observe(monotonic() - began)
        _log.info(
            f"Investigated: {told['outcome']}", cause=told["cause"], confidence=round(told["confidence"], 2)
        )
        return told

    def failed(self, incident_id: str, number: int, problem: str) -> dict[str, Any]:
        """What is concluded where a step itself could not be recorded."""
        return self._not_made(problem, key=key_of(incident_id, number), number=number)

    def conclude(self, incident_id: str, number: int, told: dict[str, Any]) -> bool:
        """Keep the conclusion in the case and tell it, unless the round was given up meanwhile."""
        if not self._kept(incident_id, number, told):
            return False
        room = room_of(incident_id)
        data = {"kind": "diagnosis", "outcome": told["outcome"], "investigation_id": told["investigation_id"]}
        self._voice.answer(incident_id, in_the_room(told, self._voice.lang), f"{number}/concluded", data)
        if told["investigation_id"]:
            self._voice.link(incident_id, told["investigation_id"])
        self._post("incident.diagnosis", command(incident_id, told, room_id=room))
        return True

    def look_now(self, incident_id: str) -> Investigated | None:
        """Look into an incident beside its rounds, and tell nobody; None where there is none."""
        picture = self._read(incident_id)
        if picture is None:
            return None
        return self._look(incident_of(picture, now=self._clock.now()), lambda event: None)

    def propose(self, incident_id: str, number: int, planned: Mapping[str, Any]) -> dict[str, Any]:
        """Propose the plan of a round, or say in the room why there is none."""
        assert self._planner is not None  # noqa: S101 - who drafted it
        made: Mapping[str, Any] = planned
        if "plan" in planned:
            made = self._planner.propose(planned["plan"], key=f"{key_of(incident_id, number)}/plan")
        if "none" in made:
            said = [self._said(each) for each in (made["none"], *made.get("details", ()))]
            reason = "; ".join(said)
            self._voice.say(incident_id, "planning.no_plan", f"{number}/no plan", reason=reason)
            return {"id": ""}
        who = self._said({"key": f"planning.who.{WAYS[made['mode']]}", "params": {}})
        title = self._said(made["title"])
        self._voice.say(
            incident_id, "planning.proposed", f"{number}/plan", plan=made["id"], title=title,
            risk=made["risk"], who=who,
        )  # fmt: skip
        return {"id": made["id"]}

    def say_reasons(
        self, incident_id: str, number: int, reasons: Sequence[Mapping[str, Any]], *, at: float
    ) -> None:
        """Say why there will be a further round, and when."""
        said = [say(_of_plain(each), self._voice.lang) for each in reasons]
        self._voice.say(incident_id, "casework.again", f"{number}/again", reasons="; ".join(said), at=at)

    def _investigated(self, picture: Picture, number: int, at: float, held: float) -> dict[str, Any]:
        incident = incident_of(picture, now=at, held_seconds=held)
        found = self._look(incident, self._voice.listener(picture.incident_id, str(number)))
        row = row_of(found, due_of(picture, incident, at=at), started_at=at, finished_at=self._clock.now())
        self._investigations.save([row])
        told = concluded(row, found, key=key_of(picture.incident_id, number), number=number)
        if self._planner is None or picture.over:
            return told
        plan = self._drafted(picture.incident_id, row["id"], found)
        reason = plan.get("none", {}).get("key")
        return {**told, "plan": plan, "helpless": reason in HELPLESS, "resting": reason in RESTING}

    def _drafted(self, incident_id: str, investigation_id: str, found: Investigated) -> dict[str, Any]:
        """The plan, or why there is none; whatever goes wrong with it, the diagnosis stands."""
        assert self._planner is not None  # noqa: S101 - asked for by the caller
        try:
            return self._planner.draft(incident_id, investigation_id, found)
        except Exception as error:  # noqa: BLE001 - as in `investigate`: the room hears of it, and the diagnosis is not lost
            _log.exception("a plan could not be made", case=incident_id)
            problem = clean(str(error)) or type(error).__name__
            return {"none": {"key": "planning.none.failed", "params": {"problem": problem}}}

    def _propose(self, run: Run, incident_id: str, number: int, planned: Mapping[str, Any]) -> None:
        try:
            run.step("propose", self.propose, incident_id, number, planned)
        except StepFailed as error:
            _log.error("a plan was not proposed", case=incident_id, problem=error.problem)

    def _said(self, kept: Mapping[str, Any]) -> str:
        return say(_of_plain(kept), self._voice.lang)

    def _not_made(self, problem: str, *, key: str, number: int) -> dict[str, Any]:
        self._own.investigations.labels("failed").inc()
        said = clean(problem)
        _log.error("an investigation failed", case=key, problem=said)
        return failed(said, key=key, number=number, at=self._clock.now())

    def _kept(self, incident_id: str, number: int, told: dict[str, Any]) -> bool:
        now = self._clock.now()
        if self._cases.change(
            incident_id, number=number, states=("running", "waiting"), now=now, state="done", due_at=now,
            concluded=told,
        ) or self._cases.change(
            incident_id, number=number, states=("ending",), now=now, state="over", due_at=None, concluded=told
        ):  # fmt: skip
            return True
        row = self._cases.get(incident_id)
        return row is not None and row["round"] == number and row["concluded"].get("key") == told["key"]


def _wanted(row: Row) -> bool:
    return any(each["key"] in WANTED for each in row["reasons"])


def _of_plain(kept: Mapping[str, Any]) -> Message:
    return Message(key=kept["key"], params=tuple(kept["params"].items()))


def _head(alert: SeenAlert, found: AnalysisResult) -> Message:
    """The alert with the condition that it fires on, where that is known."""
    params: tuple[tuple[str, str | float], ...] = (("name", alert.name), ("entity", alert.service or "–"))
    rule = found.rule
    if rule is None:
        return Message(key="alert.head", params=params)
    more = (("expression", rule.expression), ("seconds", rule.for_seconds))
    return Message(key="alert.head.rule", params=(*params, *more))
