"""What a worker does: read one case, investigate it, keep what is scored. The truth is not its business."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from sre_copilot.app import investigate
from sre_copilot.app.methods import registered_methods
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Modality
from sre_copilot.errors import SreCopilotError
from sre_copilot.eval.rca.judgement import Judgement, judgement_of
from sre_copilot.eval.rca.no_fault import fault_free
from sre_copilot.eval.rca.perturb import original_name, renamed_copy, shifted
from sre_copilot.eval.rca.planted import plant
from sre_copilot.eval.rca.thinning import thinned
from sre_copilot.incidents.investigation import Investigation, Methods, without
from sre_copilot.perception.recorded import RecordedSource

PLAIN = "plain"
RENAMED = "renamed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One folder to be judged: a case under one variant, or, with `windows`, the fault-free telemetry that it names.

    `variant` is `plain`, `renamed` or a shift of the onset in seconds with its sign; `methods` returns what is evaluated, `reflecting`
    whether the second pass is part of it.
    """

    folder: Path
    set: str
    variant: str = PLAIN
    windows: bool = False
    ablate: tuple[Modality, ...] = ()
    plant: bool = False
    seed: int = 0
    methods: Callable[[], Methods] = registered_methods
    reflecting: bool = True


def judge(task: Task) -> tuple[Judgement, ...]:
    """Do one task; a case that cannot be read or judged is a judgement with its error."""
    try:
        if task.windows:
            return _judge_windows(task)
        return (_judge_renamed(task) if task.variant == RENAMED else _judge_case(task),)
    except SreCopilotError as error:
        return (Judgement(case=task.folder.name, set=task.set, error=str(error), peak_rss_mb=peak_rss_mb()),)


def read_facts(folder: Path) -> dict[str, object]:
    """What `case.json` says, without looking at the telemetry; empty when it cannot be read."""
    try:
        facts = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def peak_rss_mb() -> float:
    """Largest resident memory of this process and of its ended children so far, in MB; 0 on Windows."""
    if sys.platform == "win32":
        return 0.0
    import resource  # noqa: PLC0415 - there is none on Windows

    unit = 1 if sys.platform == "darwin" else 1024
    usages = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(who).ru_maxrss for who in usages) * unit / 1e6


def _judge_case(task: Task) -> Judgement:
    started = time.perf_counter()
    observation = RecordedSource(task.folder).observe()
    if task.variant != PLAIN:
        observation = shifted(observation, float(task.variant))
    investigation = _investigate(observation, task)
    seconds = time.perf_counter() - started
    planted = plant(investigation.diagnosis, investigation.observation, task.methods()) if task.plant else ()
    judgement = judgement_of(
        investigation.diagnosis,
        investigation.features,
        case=task.folder.name,
        set_name=task.set,
        planted=planted,
    )
    copies = thinned(investigation, task.methods())
    return replace(judgement, thinned=copies, seconds=seconds, peak_rss_mb=peak_rss_mb())


def _judge_renamed(task: Task) -> Judgement:
    with tempfile.TemporaryDirectory(prefix="sre-copilot-eval-") as scratch:
        folder, names = renamed_copy(task.folder, Path(scratch), seed=task.seed)
        judgement = _judge_case(replace(task, folder=folder, variant=PLAIN))
    ranking = tuple(original_name(entity, names) for entity in judgement.ranking)
    return replace(judgement, case=task.folder.name, ranking=ranking)


def _judge_windows(task: Task) -> tuple[Judgement, ...]:
    case = RecordedSource(task.folder).observe()
    judgements = []
    for observation in fault_free(without(case, task.ablate)):
        found = _investigate(observation, task)
        name = observation.incident.id
        judgements.append(judgement_of(found.diagnosis, found.features, case=name, set_name=task.set))
    return tuple(replace(judgement, peak_rss_mb=peak_rss_mb()) for judgement in judgements)


def _investigate(observation: Observation, task: Task) -> Investigation:
    return investigate(observation, methods=task.methods(), ablate=task.ablate, reflecting=task.reflecting)
