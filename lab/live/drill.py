"""`lab drill`: break the running lab, let SRE Copilot detect, localise, plan, repair and verify by itself, and note what came of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx

from lab.faults import FAULTS
from lab.live import state
from lab.live.copilot import Interface, epoch
from lab.live.drill_trial import Repair, Trial, Wanted, document, trials_of
from lab.live.inject import injected
from lab.live.score import Trial as Noticed
from lab.live.score import judged as noticed

REPAIRABLE = (
    "process-hung",
    "release-raises",
    "redis-down",
    "pool-exhausted",
    "cpu-hog",
    "memory-leak",
    "release-skips-step",
    "disk-full",
    "certificate-expired",
)
"""Faults that SRE Copilot has a way against in the lab: start anew, take a release back, make room, renew a certificate."""
GIVE_UP_S = 420.0  # three attempts take no longer where each is over after two minutes
NO_PLAN_S = 240.0  # so long without a plan that is under way, and none is to be expected
CALM_S = 60.0  # what an investigation needs to know what is normal
MOST_RECOVERY_S = 300.0
LINGER_S = 30.0  # an incident without an open anomaly: its alerts hold on for a while
POLL_S = 1.0
WELL_S = 20  # the lab's own look at the shop: four scrapes
MOST_FAILING = 0.05  # of the requests at the entry
Say = Callable[[str], None]


def drill_file(file: Path | None) -> Path:
    """Where a drill is kept."""
    return file or state.work_folder() / "drill.json"


def kept(file: Path) -> tuple[Trial, ...]:
    """What was drilled before."""
    try:
        return trials_of(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return ()


def drilled(found: state.State, wanted: Wanted, file: Path, *, say: Say) -> tuple[Trial, ...]:
    """Drill what is left, one fault after the other; each is kept before the next begins."""
    interface = Interface(found.serve_url, Path(found.token_file))
    trials = list(kept(file))
    for fault, number in wanted.left():
        _until_calm(interface, say)
        time.sleep(CALM_S)
        trial = _trial(found, interface, fault, number, say)
        trials.append(trial)
        _keep(file, trials, found)
        say(f"{trial.key} at {trial.service}: {trial.word}")
    return tuple(trials)


def _keep(file: Path, trials: Sequence[Trial], found: state.State) -> None:
    about = {"on": "kubernetes" if found.cluster_url else "supervisor", "written_at": time.time()}
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(document(trials, about=about), indent=1), encoding="utf-8")
    draft.replace(file)


def _trial(found: state.State, interface: Interface, name: str, number: int, say: Say) -> Trial:
    fault = FAULTS[name]
    service = fault.services[0]
    before = {each["id"] for each in _plans(interface)}
    with injected(found, fault, service) as at:
        say(f"{name} begins at {service}")
        trial = Trial(fault=name, service=service, fault_type=fault.fault_type or "", number=number, injected_at=at)  # fmt: skip
        while not _decided(trial, time.time()):
            time.sleep(POLL_S)
            try:
                trial = _looked(interface, trial, before)
            except httpx.HTTPError:  # a machine that is busy is asked again
                continue
        return _closed(found, interface, trial)


def _decided(trial: Trial, now: float) -> bool:
    """Whether nothing more is to be waited for."""
    if trial.healing is not None or now - trial.injected_at > GIVE_UP_S:
        return True
    open_ = any(not each.over and each.mode == "AUTO" for each in trial.repairs)
    since = max((each.ended_at or 0.0 for each in trial.repairs), default=0.0)
    return not open_ and now - max(trial.injected_at, since) > NO_PLAN_S


def _looked(interface: Interface, trial: Trial, before: set[str]) -> Trial:
    """What is known of a trial by now."""
    at = trial.injected_at
    told = noticed(
        Noticed(fault=trial.fault, service=trial.service, is_fault=True, at=at),
        interface.anomalies(since=at),
    )
    causes = [
        (epoch(each["finished_at"]), str(each["cause"]))
        for each in interface.get("/api/v1/investigations", hours=1.0, limit=100)["items"]
        if (epoch(each["started_at"]) or 0.0) >= at and each["cause"]
    ]
    right = sorted(moment for moment, cause in causes if cause == trial.service and moment is not None)
    repairs = sorted(
        (_repair(interface, each) for each in _plans(interface) if each["id"] not in before),
        key=lambda each: each.planned_at or 0.0,
    )
    return Trial(
        fault=trial.fault,
        service=trial.service,
        fault_type=trial.fault_type,
        number=trial.number,
        injected_at=at,
        detected_at=min(
            filter(
                None, (at + told.seconds if told.seconds is not None else None, *_opened(interface, trial))
            ),
            default=None,
        ),
        localised_at=right[0] if right else None,
        named=trial.service if right else next((cause for _, cause in causes), ""),
        repairs=tuple(repairs),
    )


def _opened(interface: Interface, trial: Trial) -> list[float]:
    """When incidents of the service were opened since: an alert of others may be sooner than any anomaly."""
    rows = interface.get("/api/v1/incidents", status="all", limit=100)["items"]
    times = [epoch(each["opened_at"]) for each in rows if trial.service in each["services"]]
    return [moment for moment in times if moment is not None and moment >= trial.injected_at]


def _plans(interface: Interface) -> list[dict[str, Any]]:
    return list(interface.get("/api/v1/plans", limit=200)["items"])


def _repair(interface: Interface, row: dict[str, Any]) -> Repair:
    """A plan with what became of it."""
    whole = interface.get(f"/api/v1/plans/{row['id']}")
    made = Repair(
        id=row["id"],
        service=row["service"],
        fault_type=row["fault_type"],
        actions=tuple(each["action"] for each in whole["steps"]),
        mode=whole["risk"]["mode"],
        status=whole["status"],
        reason="" if whole["risk"]["mode"] == "AUTO" else "; ".join(whole["risk"]["reasons"]),
        planned_at=epoch(whole["created_at"]),
    )
    return _begun(interface, made)


def _begun(interface: Interface, made: Repair) -> Repair:
    try:
        seen = interface.get(f"/api/v1/remediations/{made.id}")
    except httpx.HTTPStatusError as error:
        if error.response.status_code != httpx.codes.NOT_FOUND:
            raise
        return made
    reason = seen["reason"] or {}
    return Repair(
        id=made.id,
        service=made.service,
        fault_type=made.fault_type,
        actions=made.actions,
        mode=made.mode,
        status=seen["state"],
        reason=json.dumps(reason) if reason else made.reason,
        planned_at=made.planned_at,
        acted_at=_acted(seen["steps"]),
        ended_at=epoch(seen["ended_at"]),
    )


def _acted(steps: Sequence[dict[str, Any]]) -> float | None:
    """When the first step had an effect; its own time is that of its beginning."""
    begun = [each for each in steps if each["state"] not in ("", "waiting", "preparing", "acting")]
    times = [moment for each in begun if (moment := epoch(each["began_at"])) is not None]
    return min(times, default=None)


def _closed(found: state.State, interface: Interface, trial: Trial) -> Trial:
    """The trial with what the lab itself sees now, before the fault is taken back."""
    rows = interface.get("/api/v1/incidents", status="all", limit=100)["items"]
    mine = [each for each in rows if (epoch(each.get("opened_at")) or 0.0) >= trial.injected_at]
    ends = [moment for each in mine if (moment := epoch(each.get("resolved_at"))) is not None]
    known = {name: getattr(trial, name) for name in Trial.__slots__}
    return Trial(**{**known, "resolved_at": max(ends, default=None), "well": well(found)})


def well(found: state.State) -> bool | None:
    """Whether the shop answers at its entry and every process of it is up, by Prometheus; None when that cannot be told."""
    failing = _asked(
        found,
        f'sum(increase(http_requests_total{{service="gateway",status=~"5.."}}[{WELL_S}s]))'
        f' / sum(increase(http_requests_total{{service="gateway"}}[{WELL_S}s])) or vector(0)',
    )
    down = _asked(found, 'count(up{job!=""} == 0) or vector(0)')
    if failing is None or down is None:
        return None
    return failing <= MOST_FAILING and not down


def _asked(found: state.State, query: str) -> float | None:
    try:
        answer = httpx.get(
            f"{found.prometheus_url}/api/v1/query", params={"query": query}, timeout=10.0, trust_env=False
        )
        answer.raise_for_status()
    except httpx.HTTPError:
        return None
    rows = answer.json()["data"]["result"]
    return float(rows[0]["value"][1]) if rows else None


def _until_calm(interface: Interface, say: Say) -> None:
    """Wait until no anomaly is open, no plan is under way and no incident goes on; a person resolves what does not end by itself."""
    until = time.monotonic() + MOST_RECOVERY_S
    calm_since = time.monotonic()
    while time.monotonic() < until:
        try:
            if interface.open_anomalies() or _under_way(interface):
                calm_since = time.monotonic()
            elif not (open_ := interface.get("/api/v1/incidents", limit=100)["items"]):
                return
            elif time.monotonic() - calm_since > LINGER_S:
                for each in open_:
                    interface.post(f"/api/v1/incidents/{each['id']}/resolve", {})
        except httpx.HTTPError:
            pass
        time.sleep(POLL_S)
    say(f"something is still open after {MOST_RECOVERY_S:.0f} s")


def _under_way(interface: Interface) -> bool:
    return any(each["status"] in ("approved", "running", "paused", "undoing") for each in _plans(interface))
