"""One case an incident: investigated when it opens, again when the evidence changes materially, cancelled when it is over.

The leader hands over events (`on_event`) and calls `turn` about once a second; the rounds themselves are durable runs of any worker. How a
case stands is a row of `cases`, so that a restart goes on where it was:

waiting (a round is due) -> running -> done -> waiting …; over when the incident is, `ending` while a short round may still finish.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sre_copilot.clock import Clock
from sre_copilot.domain.event import Event, EventType
from sre_copilot.domain.evidence import Message
from sre_copilot.durable.port import Durable
from sre_copilot.errors import SreCopilotError
from sre_copilot.incidents.casework.again import EARLIER_S, again
from sre_copilot.incidents.casework.looking import Look
from sre_copilot.incidents.casework.picture import Picture, Read, of_document
from sre_copilot.incidents.casework.rounds import (
    CHECK_S,
    LANE,
    WORKFLOW,
    FirstLook,
    Planner,
    Post,
    Rounds,
    key_of,
)
from sre_copilot.incidents.casework.telling import failed
from sre_copilot.incidents.casework.voice import Voice
from sre_copilot.settings.alerting.investigations import Investigations
from sre_copilot.store.cases import CaseStore
from sre_copilot.store.paging import Row
from sre_copilot.store.records import Records
from sre_copilot.telemetry import OwnMetrics, log

TOGETHER_S = 2.0  # updates of a cascade come one by one and are looked at together
_log = log(__name__)


class Casework:
    """Keeps the cases of all incidents.

    Parameters
    ----------
    durable : runs the rounds; the workflow is registered here, so make this before `launch`
    read : reads an incident as it is now (`picture.reading(AlertRecords(database))`)
    cases : how each case stands
    investigations : where a finished round is kept, beside the investigations of the watch
    voice : speaks in the rooms of incidents
    look : looks into an incident: `looking.by_the_core`, or the whole team (`app.casework`)
    post : posts commands to the engine (`incident.room`, `incident.diagnosis`); its argument `key` is their idempotency key
    first_look : what the leading alert's own context shows; told before the round looks at everything
    automatic : whether an incident is investigated without being asked to
    planner : makes a plan of a fault that was found; without one nothing is proposed
    """

    def __init__(
        self,
        durable: Durable,
        *,
        read: Read,
        cases: CaseStore,
        investigations: Records,
        voice: Voice,
        look: Look,
        post: Post,
        clock: Clock,
        own: OwnMetrics,
        first_look: FirstLook | None = None,
        settings: Investigations | None = None,
        automatic: bool = True,
        planner: Planner | None = None,
    ) -> None:
        self._durable = durable
        self._read = read
        self._cases = cases
        self._voice = voice
        self._post = post
        self._clock = clock
        self._settings = settings or Investigations()
        self._automatic = automatic
        self.rounds = Rounds(
            read=read, cases=cases, investigations=investigations, voice=voice, look=look, post=post,
            clock=clock, own=own, first_look=first_look, planner=planner,
        )  # fmt: skip
        durable.register(WORKFLOW, self.rounds.run, lane_limit=self._settings.at_once)

    # -- what happens -----------------------------------------------------------------------------------------------

    def on_event(self, event: Event) -> None:
        """React to an event of an incident (its `key` is the incident's id); harmless when it comes twice, others are left alone.

        `data["who"]`, where it is there, names the person who resolved an incident: then a round that is under way is not waited for.
        """
        if event.type is EventType.INCIDENT_OPENED:
            self._opened(event.key)
        elif event.type is EventType.INCIDENT_UPDATED:
            self._updated(event.key)
        elif event.type is EventType.INCIDENT_RESOLVED:
            self._over(event.key, who=str(event.data.get("who") or ""))

    def turn(self) -> int:
        """Do what is due: begin rounds, look whether evidence changed, cut short what is no longer wanted; return with how many cases."""
        rows = self._cases.due(self._clock.now())
        for row in rows:
            try:
                self._do(row)
            except SreCopilotError as error:
                _log.error(
                    "a case could not be gone on with; it is tried again", case=row["id"], problem=str(error)
                )
        return len(rows)

    def ask(self, incident_id: str, *, who: str) -> dict[str, Any]:
        """Investigate now, because somebody asks for it; return the round and its state. A round that is planned or under way is the one that is meant.

        Raises
        ------
        KeyError : when there is no such incident
        """
        now = self._clock.now()
        picture = self._read(incident_id)
        if picture is None:
            raise KeyError(incident_id)
        reason = _plain(Message(key="casework.again.asked", params=(("who", who),)))
        row = self._cases.get(incident_id)
        if row is None:
            self._open_room(picture)
            self._cases.open(incident_id, due_at=now, reasons=[reason], now=now)
        elif row["state"] == "waiting":
            self._cases.change(
                incident_id, number=row["round"], states=("waiting",), now=now, due_at=now,
                reasons=[*row["reasons"], reason],
            )  # fmt: skip
        elif row["state"] in ("done", "over"):
            self._plan(row, [reason], at=now, states=("done", "over"))
        kept = self._cases.get(incident_id)
        number, state = (kept["round"], kept["state"]) if kept else (0, "")
        return {
            "incident_id": incident_id,
            "round": number,
            "state": state,
            "key": key_of(incident_id, number),
        }

    def forget(self, *, before: float) -> int:
        """Delete cases that have been over since then."""
        return self._cases.forget(before=before)

    # -- the steps --------------------------------------------------------------------------------------------------

    def _opened(self, incident_id: str) -> None:
        picture = self._read(incident_id)
        if picture is None or picture.over:
            return
        self._open_room(picture)
        if picture.only_foretold:  # nothing is wrong yet: there is no cause to be found
            self._voice.say(incident_id, "casework.foretold", "foretold")
            return
        if not self._automatic:
            return
        now = self._clock.now()
        due = settled_at(picture, now=now, settle=self._settings.settle_seconds)
        reason = _plain(Message(key="casework.again.opened"))
        if self._cases.open(incident_id, due_at=due, reasons=[reason], now=now):
            self._voice.say(incident_id, "casework.opened", "opened", at=due)
            return
        row = self._cases.get(incident_id)
        if row is not None and row["state"] in ("over", "ending"):
            reopened = _plain(Message(key="casework.again.reopened"))
            self._plan(row, [reopened], at=self._after_pause(row), states=("over", "ending"))

    def _open_room(self, picture: Picture) -> None:
        """Open the room, and let the engine keep its id with the incident."""
        room = self._voice.open(picture)
        told = {"incident_id": picture.incident_id, "room_id": room, "key": f"room/{picture.incident_id}"}
        self._post("incident.room", told)

    def _updated(self, incident_id: str) -> None:
        row, now = self._cases.get(incident_id), self._clock.now()
        if row is None or row["state"] in ("over", "ending"):
            self._opened(incident_id)
        elif row["state"] in ("running", "done") and not _is_due(row, due := self._look_due(row, now)):
            self._cases.change(incident_id, number=row["round"], states=(row["state"],), now=now, due_at=due)
        elif row["state"] == "waiting" and (picture := self._read(incident_id)) and picture.over:
            self._over(incident_id, who="")

    def _look_due(self, row: Row, now: float) -> float:
        """When to look whether the evidence changed: not before a further round could be planned, for it means to read all alerts."""
        enough = row["round"] >= self._settings.most_rounds
        wait = self._settings.pause_seconds if enough else TOGETHER_S
        earliest = (row["begun_at"] or 0.0) + self._settings.pause_seconds - self._settings.settle_seconds
        return max(now + wait, earliest)

    def _over(self, incident_id: str, *, who: str) -> None:
        """The incident is over: a round that waits is given up; one under way may finish when it is short, unless a person ended the incident."""
        row, now = self._cases.get(incident_id), self._clock.now()
        if row is None:
            return
        number, begun = row["round"], row["begun_at"] or now
        if row["state"] == "running":
            until = now if who else max(now, begun + self._settings.finish_seconds)
            self._cases.change(
                incident_id, number=number, states=("running",), now=now, state="ending", due_at=until
            )
            if who:
                self.turn()
        elif row["state"] == "waiting":
            if self._cases.change(
                incident_id, number=number, states=("waiting",), now=now, state="over", due_at=None
            ):
                self._durable.cancel(key_of(incident_id, number))
                self._voice.say(incident_id, "casework.not_needed", f"{number}/not needed")
        elif row["state"] == "done":
            self._cases.change(
                incident_id, number=number, states=("done",), now=now, state="over", due_at=None
            )

    def _do(self, row: Row) -> None:
        if row["state"] == "waiting":
            self._begin(row)
        elif row["state"] == "running":
            self._look_after(row)
        elif row["state"] == "done":
            self._look_again(row)
        else:
            self._end(row)

    def _begin(self, row: Row) -> None:
        """Start the round, once; a run that ended without a word leaves its case to be looked after."""
        key = key_of(row["id"], row["round"])
        arguments = {"incident_id": row["id"], "number": row["round"]}
        self._durable.start(WORKFLOW, arguments, key=key, lane=LANE)
        now = self._clock.now()
        self._cases.change(row["id"], number=row["round"], states=("waiting",), now=now, due_at=now + CHECK_S)
        self._look_after(row)

    def _look_after(self, row: Row) -> None:
        """See whether a round ended without a word; then it failed, and that is said."""
        now, key = self._clock.now(), key_of(row["id"], row["round"])
        state = self._durable.state(key)
        if state is not None and state.status in ("failed", "cancelled"):
            told = failed(state.error or state.status, key=key, number=row["round"], at=now)
            self.rounds.conclude(row["id"], row["round"], told)
        elif row["state"] == "running":
            self._cases.change(
                row["id"], number=row["round"], states=("running",), now=now, due_at=now + CHECK_S
            )

    def _look_again(self, row: Row) -> None:
        """Plan a further round where the evidence changed materially and there may be one."""
        now, picture = self._clock.now(), self._read(row["id"])
        reasons: Sequence[Message] = ()
        if picture is None or picture.over:
            self._cases.change(
                row["id"], number=row["round"], states=("done",), now=now, state="over", due_at=None
            )
            return
        if row["basis"]:
            sure = self._settings.sure if row["round"] < self._settings.unsure_rounds else 0.0
            reasons = again(of_document(row["basis"]), picture, row["concluded"], sure=sure)
        if not reasons or not self._automatic:
            self._cases.change(row["id"], number=row["round"], states=("done",), now=now, due_at=None)
        elif row["round"] >= self._settings.most_rounds:
            self._cases.change(row["id"], number=row["round"], states=("done",), now=now, due_at=None)
            self._voice.say(row["id"], "casework.enough", "enough", rounds=row["round"])
        else:
            self._plan(row, [_plain(each) for each in reasons], at=self._after_pause(row), states=("done",))

    def _plan(
        self, row: Row, reasons: Sequence[Mapping[str, Any]], *, at: float, states: Sequence[str]
    ) -> None:
        number = row["round"] + 1
        changed = self._cases.change(
            row["id"], number=row["round"], states=states, now=self._clock.now(), state="waiting", round=number,
            due_at=at, reasons=list(reasons),
        )  # fmt: skip
        if changed:
            self.rounds.say_reasons(row["id"], number, reasons, at=at)

    def _after_pause(self, row: Row) -> float:
        """When the next round may begin: new evidence settles, too, and rounds keep their distance."""
        settled = self._clock.now() + self._settings.settle_seconds
        return max(settled, (row["begun_at"] or 0.0) + self._settings.pause_seconds)

    def _end(self, row: Row) -> None:
        """Cut short what an incident that is over no longer needs."""
        now = self._clock.now()
        if row["state"] == "ending":
            self._durable.cancel(key_of(row["id"], row["round"]))
            self._voice.say(row["id"], "casework.cut", f"{row['round']}/cut")
        self._cases.change(
            row["id"], number=row["round"], states=("ending", "over"), now=now, state="over", due_at=None
        )


def settled_at(picture: Picture, *, now: float, settle: float) -> float:
    """When there are samples enough to look: so long after the first alert came in; at once when it began twice as long ago, as far as its beginning is known."""
    return max(now, min(picture.told_at + settle, picture.started_at + 2 * settle + EARLIER_S))


def _is_due(row: Row, moment: float) -> bool:
    return row["due_at"] is not None and row["due_at"] <= moment


def _plain(message: Message) -> dict[str, Any]:
    return {"key": message.key, "params": dict(message.params)}
