"""Learn on one half of the faults, meet both halves again, and see whether anything became worse; then plant lies."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from sre_copilot.app.experience import learn, recall_at_once, recall_for
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.knowledge import Recalled
from sre_copilot.errors import SreCopilotError, UsageError
from sre_copilot.eval.learning.planted import Planted, plant
from sre_copilot.eval.learning.retold import retold
from sre_copilot.eval.learning.studied import Answer, Studied, Verdict, by_team, study, verdict_of
from sre_copilot.eval.rca.run import case_folders
from sre_copilot.eval.workers import Progress
from sre_copilot.knowledge.keeping import Experience
from sre_copilot.knowledge.learning import review
from sre_copilot.store.database import Database, sqlite_url

REVIEWER = "the reviewing person"
NOW = 1_800_000_000.0  # any moment: nothing depends on the day of the evaluation


@dataclass(frozen=True, slots=True)
class Met:
    """One case met with experience."""

    case: str
    role: str
    """`again` (a learned fault, another time), `recorded_again` (another recording of a learned fault), `new`, `quiet`."""
    recalled: str
    right: bool
    wrong: bool
    recall_s: float
    whole_s: float
    verdict_kept: bool
    """Whether the answer is the same with experience as without."""
    right_before: bool
    right_after: bool


@dataclass(frozen=True)
class Evaluation:
    """All figures."""

    met: tuple[Met, ...]
    planted: Planted
    unread: tuple[str, ...] = ()
    learned: int = 0
    figures: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For a JSON file."""
        return {
            "figures": self.figures,
            "planted": asdict(self.planted),
            "met": [asdict(each) for each in self.met],
            "unread": list(self.unread),
        }


def evaluate(
    directories: Sequence[Path],
    *,
    answer: Answer = by_team,
    seed: int = 0,
    progress: Progress = lambda done, total, name: None,
) -> Evaluation:
    """Evaluate on the cases of folders; `answer` is what investigates."""
    cases, unread = _studied(directories, answer, progress)
    faults = [each for each in cases if each.is_fault]
    if len(faults) < 2:
        raise UsageError(f"{', '.join(map(str, directories))}: needs at least two cases with a known fault")
    quiet = [each for each in cases if each.truth is not None and each.truth.no_fault]
    halves = faults[::2], faults[1::2]
    met: list[Met] = []
    learned = 0
    for number, (mine, other) in enumerate((halves, halves[::-1])):
        with tempfile.TemporaryDirectory() as folder:
            shelf = Experience(Database(sqlite_url(Path(folder))), TurnedClock(NOW))
            learned += _learn(shelf, mine)
            met += _meet(shelf, mine, other, quiet, answer=answer, seed=seed + number)
            if number == 1:
                planted = plant(shelf, mine, answer=answer)
            shelf.database.close()
    return Evaluation(tuple(met), planted, tuple(unread), learned, figures(met, learned=learned))


def _studied(
    directories: Sequence[Path], answer: Answer, progress: Progress
) -> tuple[list[Studied], list[str]]:
    folders = [folder for directory in directories for folder in case_folders(directory)]
    cases, unread = [], []
    for number, folder in enumerate(folders, start=1):
        try:
            cases.append(study(folder, answer=answer))
        except SreCopilotError as error:
            unread.append(f"{folder.name}: {error}")
        progress(number, len(folders), folder.name)
    return cases, unread


def _learn(shelf: Experience, cases: Iterable[Studied]) -> int:
    """Draft, and accept what a person who knows the truth accepts: the culprit and the fault as they were."""
    learned = 0
    for case in cases:
        entity = case.truth.entity if case.truth else ""
        made = learn(shelf, case.investigation, service=entity, fault_type=case.fault_type)
        if made is None:
            continue
        learned += 1
        review(shelf, made.past.id, "accept", by=REVIEWER)
        if made.card:
            review(shelf, made.card.id, "accept", by=REVIEWER)
    return learned


def _meet(
    shelf: Experience,
    mine: Sequence[Studied],
    other: Sequence[Studied],
    quiet: Sequence[Studied],
    *,
    answer: Answer,
    seed: int,
) -> list[Met]:
    kinds = {_says(case) for case in mine}
    again = [(case, retold(case.observation, seed=seed), "again") for case in mine]
    others = [(case, case.observation, "recorded_again" if _says(case) in kinds else "new") for case in other]
    calm = [(case, case.observation, "quiet") for case in quiet]
    return [_one(shelf, case, seen, role, answer) for case, seen, role in (*again, *others, *calm)]


def _says(case: Studied) -> tuple[str, str]:
    return (case.truth.entity if case.truth else "", case.fault_type)


def _one(shelf: Experience, case: Studied, observation: Observation, role: str, answer: Answer) -> Met:
    known = shelf.known()
    began = perf_counter()
    instant = recall_at_once(known, observation)
    recall_s = perf_counter() - began
    began = perf_counter()
    found = answer(observation, shelf)
    whole_s = perf_counter() - began
    recall_for(known, found.considered, observation)
    after = verdict_of(found)
    before = case.verdict if role != "again" else verdict_of(answer(observation, None))
    named = _named(instant)
    right = bool(named) and role != "quiet" and named == _says(case)
    return Met(
        case=case.name,
        role=role,
        recalled=" ".join(named),
        right=right,
        wrong=bool(named) and not right,
        recall_s=recall_s,
        whole_s=whole_s,
        verdict_kept=before == after,
        right_before=_right(before, case),
        right_after=_right(after, case),
    )


def _named(recalled: Recalled | None) -> tuple[str, ...]:
    known = recalled and (recalled.card or recalled.past)
    return (recalled.entity, known.fault_type) if recalled and known else ()


def _right(verdict: Verdict, case: Studied) -> bool:
    if not case.is_fault:
        return verdict.outcome == "no_fault"
    return case.truth is not None and verdict.entity == case.truth.entity


def figures(met: Sequence[Met], *, learned: int) -> dict[str, Any]:
    """The figures that count."""
    found: dict[str, Any] = {"learned": learned}
    for role in ("again", "recorded_again", "new", "quiet"):
        these = [each for each in met if each.role == role]
        if these:
            found[role] = {
                "n": len(these),
                "right_recalls": sum(each.right for each in these),
                "wrong_recalls": sum(each.wrong for each in these),
                "right_without": sum(each.right_before for each in these),
                "right_with": sum(each.right_after for each in these),
                "verdicts_changed": sum(not each.verdict_kept for each in these),
                "recall_s_median": round(median(each.recall_s for each in these), 4),
                "recall_s_most": round(max(each.recall_s for each in these), 4),
                "whole_s_median": round(median(each.whole_s for each in these), 4),
            }
    return found
