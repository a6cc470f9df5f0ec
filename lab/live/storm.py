"""A storm at the running lab: three of its faults at once, whatever Prometheus and SRE Copilot say of them, and a hundred thousand further alerts."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx

from lab.faults import FAULTS
from lab.live import receiver, state
from lab.live.copilot import Interface, epoch
from lab.live.inject import injected
from lab.live.noise import Noise
from lab.live.rules import RULES
from lab.record import plan

TRIO = ("release-raises:catalogue", "process-hung:payment", "redis-down:redis")
"""Faults of three branches of the call graph that none of the others hides: each is seen at its own service."""
AFTER_S = 150.0  # watched after the last alert: what a storm holds back wakes after 30 s, an investigation begins after 60 s
POLL_S = 2.0
RETRY_S = 1.0
SOURCE = "alertmanager"
WORKED_OFF = f'sre_copilot_alerts_received_total{{source="{SOURCE}"}}'
Say = Callable[[str], None]


@dataclass(kw_only=True)
class Course:
    """How far a storm has come; rests in a file, so that an interrupted one goes on."""

    noise: Noise
    faults: tuple[str, ...]
    began: float
    worked_before: float
    injected: dict[str, float] = field(default_factory=dict)
    batches: int = 0
    sent: int = 0
    again: int = 0
    """Batches that were sent once more, because they were refused or not answered."""
    sent_at: float | None = None
    worked_at: float | None = None
    most_behind: int = 0
    over: bool = False

    def write(self) -> None:
        """Keep it."""
        draft = _file().with_suffix(".draft")
        draft.write_text(json.dumps(asdict(self)), encoding="utf-8")
        draft.replace(_file())

    @classmethod
    def read(cls) -> Course:
        """The one that was interrupted.

        Raises
        ------
        ValueError : there is none
        """
        try:
            document = json.loads(_file().read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ValueError("there is no storm to go on with; start one: python3 dev.py lab storm") from None
        return cls(**{**document, "noise": Noise(**document["noise"]), "faults": tuple(document["faults"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A fault, and the incident that holds what was told of it; '' when none does."""

    fault: str
    service: str
    incident: str = ""
    title: str = ""
    woken: bool = False
    storm: bool = False
    named: bool = False
    """Whether the incident names the service."""
    cause: str = ""
    """What the investigation of the incident says so far."""
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a storm."""

    course: Course
    held: tuple[Held, ...]
    told: tuple[dict[str, Any], ...]
    incidents: tuple[dict[str, Any], ...]

    @property
    def separate(self) -> bool:
        """Whether each fault is seen, and no two are one incident that is not the whole storm's."""
        ids = [each.incident for each in self.held if not each.storm]
        return all(each.incident and each.named for each in self.held) and len(set(ids)) == len(ids)


def stormed(found: state.State, course: Course, *, after: float, say: Say) -> Result:
    """Let it storm, or go on with it; return what people saw of it."""
    interface = Interface(found.serve_url, Path(found.token_file))
    with ExitStack() as opened:
        for each in course.faults:
            name, _, service = each.partition(":")
            fault = plan(name, service or None)
            at = opened.enter_context(injected(found, fault.fault, fault.service))
            course.injected.setdefault(each, at)
            say(f"{name} begins at {fault.service}")
        sender = threading.Thread(target=_send, args=(interface, course), daemon=True)
        sender.start()
        _watch(interface, course, after=after, say=say)
        sender.join(60)
        result = _result(found, interface, course)
        course.over = True
        course.write()
    for body in course.noise.ends(now=time.time()):
        _posted(interface, body)
    return result


def begun(found: state.State, noise: Noise, faults: Sequence[str]) -> Course:
    """A new storm, that begins now."""
    interface = Interface(found.serve_url, Path(found.token_file))
    course = Course(
        noise=noise, faults=tuple(faults), began=time.time(), worked_before=interface.number(WORKED_OFF)
    )
    course.write()
    return course


# -- sending and watching -----------------------------------------------------------------------------------------------


def _send(interface: Interface, course: Course) -> None:
    """Send every batch at its time; after an interruption as fast as they are taken."""
    while course.batches < course.noise.batches:
        time.sleep(max(0.0, course.began + course.noise.due(course.batches) - time.time()))
        body = course.noise.body(course.batches, now=time.time())
        course.again += _posted(interface, body)
        course.sent += len(body["alerts"])
        course.batches += 1
    course.sent_at = time.time()


def _posted(interface: Interface, body: dict[str, Any]) -> int:
    """Post until it is taken; return how often it was not."""
    refused = 0
    while True:
        try:
            interface.post(f"/api/v1/intake/{SOURCE}", body)
        except httpx.HTTPError:
            refused += 1
            time.sleep(RETRY_S)
        else:
            return refused


def _watch(interface: Interface, course: Course, *, after: float, say: Say) -> None:
    """Look on until all is worked off and a while has passed."""
    last = 0.0
    while course.worked_at is None or time.time() < course.worked_at + after:
        time.sleep(POLL_S)
        try:
            behind = course.sent - int(interface.number(WORKED_OFF) - course.worked_before)
        except httpx.HTTPError:
            continue
        course.most_behind = max(course.most_behind, behind)
        if course.sent_at is not None and course.worked_at is None and behind <= 0:
            course.worked_at = time.time()
            say(f"all worked off after {course.worked_at - course.began:.0f} s")
        course.write()
        if time.time() - last >= 10:
            last = time.time()
            say(f"{course.sent:,} of {course.noise.alerts:,} sent, {max(0, behind):,} not worked off yet")


# -- what people saw ----------------------------------------------------------------------------------------------------


def _result(found: state.State, interface: Interface, course: Course) -> Result:
    told = receiver.messages(Path(found.receiver_file), since=course.began)
    incidents = [
        each
        for each in interface.get("/api/v1/incidents", status="all", limit=1000)["items"]
        if each["woken"] and (epoch(each["updated_at"]) or 0.0) >= course.began
    ]
    held = tuple(_held(interface, each) for each in course.faults)
    return Result(course=course, held=held, told=tuple(told), incidents=tuple(incidents))


def _held(interface: Interface, fault: str) -> Held:
    """The incident with most of what Prometheus and SRE Copilot themselves say of a service."""
    name, _, chosen = fault.partition(":")
    service = chosen or FAULTS[name].services[0]
    own = {rule[0] for rule in RULES}
    rows = interface.get("/api/v1/alerts", service=service, status="all", limit=1000)["items"]
    real = [each for each in rows if each["incident_id"] and (each["anomaly_id"] or each["name"] in own)]
    if not real:
        return Held(fault=name, service=service)
    critical = [each for each in real if each["severity"] == "critical"] or real
    ident = Counter(each["incident_id"] for each in critical).most_common(1)[0][0]
    incident = interface.get(f"/api/v1/incidents/{ident}")
    incident = incident.get("incident", incident)
    kinds = tuple(sorted({each["name"] for each in real if each["incident_id"] == ident}))
    return Held(
        fault=name,
        service=service,
        incident=ident,
        title=incident["title"],
        woken=incident["woken"],
        storm=incident["storm"],
        named=service in incident["services"],
        cause=str(incident["diagnosis"].get("cause", "")),
        kinds=kinds,
    )


def table(result: Result) -> str:
    """The result for people."""
    course, lines = result.course, []
    lines.append(f"{'fault':18}{'at':12}{'incident':10}{'title':34}{'said':10}found")
    for each in result.held:
        said = "storm" if each.storm else "woke" if each.woken else "quiet"
        lines.append(
            f"{each.fault:18}{each.service:12}{each.incident or '-':10}{each.title[:32]:34}"
            f"{said if each.incident else '-':10}{each.cause or '-'}  ({', '.join(each.kinds[:4])})"
        )
    seconds = (course.sent_at or course.began) - course.began
    worked = (course.worked_at or course.began) - course.began
    lines += [
        f"{course.sent:,} alerts in {seconds:.0f} s ({course.again} batches sent again), at most {course.most_behind:,} behind, worked off after {worked:.0f} s",
        f"{len(result.told)} notifications, {len(result.incidents)} incidents that people were told of; faults separate and visible: {'yes' if result.separate else 'no'}",
    ]
    for message in result.told:
        body = message["body"]
        lines.append(
            f"  +{message['at'] - course.began:4.0f} s {message['key']:34} {body['commonAnnotations']['summary']}"
        )
    return "\n".join(lines)


def document(result: Result) -> dict[str, Any]:
    """The result for programs."""
    return {
        "course": asdict(result.course),
        "held": [asdict(each) for each in result.held],
        "separate": result.separate,
        "notifications": [
            {"at": each["at"], "key": each["key"], "title": each["body"]["commonAnnotations"]["summary"]}
            for each in result.told
        ],
        "incidents": [{name: each[name] for name in ("id", "title", "alert_count", "storm")} for each in result.incidents],
    }  # fmt: skip


def _file() -> Path:
    return state.work_folder() / "storm.json"
