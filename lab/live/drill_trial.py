"""What a drill notes of one fault, and what follows from it: whether it was repaired, by whom nobody was needed, and how long that took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Literal

Word = Literal["repaired", "helped not", "wrong", "acted not", "asked", "no plan"]
OVER = ("succeeded", "rolled_back", "failed", "cancelled", "rejected", "expired")
ENDED = ("succeeded", "rolled_back", "failed", "cancelled")
"""Ends of a plan that was begun; the others had no effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """One plan: what it was for, what it did, how it ended. Times are epoch seconds UTC, None: it never came to that."""

    id: str
    service: str
    fault_type: str
    actions: tuple[str, ...] = ()
    mode: str = ""
    status: str = ""
    reason: str = ""
    planned_at: float | None = None
    acted_at: float | None = None
    ended_at: float | None = None

    @property
    def acted(self) -> bool:
        """Whether anything was done to a system."""
        return self.acted_at is not None

    @property
    def over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.status in OVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One fault that was injected, and what SRE Copilot did about it. Times are epoch seconds UTC.

    `well` is what the lab itself saw when all was over, without asking SRE Copilot; None when it could not be told.
    """

    fault: str
    service: str
    fault_type: str
    number: int
    injected_at: float
    detected_at: float | None = None
    localised_at: float | None = None
    named: str = ""
    repairs: tuple[Repair, ...] = ()
    resolved_at: float | None = None
    well: bool | None = None
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """By which a resumed drill knows it."""
        return key_of(self.fault, self.number)

    @property
    def healing(self) -> Repair | None:
        """The first repair that SRE Copilot calls a success, of the service that was broken."""
        return next((each for each in self.repairs if each.service == self.service and each.status == "succeeded"), None)  # fmt: skip

    @property
    def word(self) -> Word:
        """What came of it."""
        if self.healing is not None and self.well:
            return "repaired"
        acted = [each for each in self.repairs if each.acted]
        if acted:
            return "helped not" if any(each.service == self.service for each in acted) else "wrong"
        if any(each.mode and each.mode != "AUTO" for each in self.repairs):
            return "asked"
        return "acted not" if self.repairs else "no plan"


def key_of(fault: str, number: int) -> str:
    """The key of a run of a fault."""
    return f"{fault}/{number}"


def after(trial: Trial, moment: float | None) -> float | None:
    """Seconds since the injection."""
    return None if moment is None else round(moment - trial.injected_at, 1)


def astray(trials: Sequence[Trial]) -> tuple[Repair, ...]:
    """Repairs that were wrong or of no use: they acted, and did not heal what was broken."""
    return tuple(
        each
        for trial in trials
        for each in trial.repairs
        if each.acted and not (each is trial.healing and trial.well)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a drill shows: how many of all trials were repaired and verified without a person, in how many seconds, and what became of repairs that went astray."""

    trials: int
    repaired: int
    seconds: float | None
    """Median from the injection to the verified repair, over all trials; one that was not repaired took longer than any. None: at least half were not."""
    seconds_to_act: float | None
    """The same to the moment when the repair had been carried out."""
    astray: int
    taken_back: int


def figures(trials: Sequence[Trial]) -> Figures:
    """The figures of a drill."""
    wrong = astray(trials)
    return Figures(
        trials=len(trials),
        repaired=sum(each.word == "repaired" for each in trials),
        seconds=_median(trials, "ended_at"),
        seconds_to_act=_median(trials, "acted_at"),
        astray=len(wrong),
        taken_back=sum(each.status == "rolled_back" for each in wrong),
    )


def _median(trials: Sequence[Trial], name: str) -> float | None:
    never = float("inf")
    times = [
        (after(each, getattr(each.healing, name)) or never) if each.word == "repaired" else never
        for each in trials
    ]
    middle = median(times) if times else never
    return None if middle == never else round(middle, 1)


def table(trials: Sequence[Trial]) -> str:
    """A drill for people; what failed says why."""
    head = ("detected", "localised", "planned", "acted", "verified")
    lines = [f"{'fault':22}{'at':14}" + "".join(f"{each:>10}" for each in head) + "  outcome"]
    for trial in trials:
        lines.append(_line(trial))
        lines += [f"    {_told(each)}" for each in trial.repairs if each is not trial.healing]
        lines += [f"    {each}" for each in trial.notes]
    found = figures(trials)
    lines.append(
        f"repaired and verified without a person: {found.repaired} of {found.trials}; median from the injection"
        f" {_seconds(found.seconds_to_act)} s until it was done, {_seconds(found.seconds)} s until it was verified;"
        f" repairs that were wrong or of no use: {found.astray}, taken back: {found.taken_back}"
    )
    return "\n".join(lines)


def _line(trial: Trial) -> str:
    shown = trial.healing or next((each for each in trial.repairs if each.acted), None) or next(iter(trial.repairs), None)  # fmt: skip
    moments = [
        trial.detected_at,
        trial.localised_at,
        shown.planned_at if shown else None,
        shown.acted_at if shown else None,
        shown.ended_at if shown and shown.status == "succeeded" else None,
    ]
    times = "".join(f"{_seconds(after(trial, each)):>10}" for each in moments)
    by = f" by {', '.join(shown.actions)}" if shown and trial.word == "repaired" else ""
    named = f" (named {trial.named})" if trial.named and trial.named != trial.service else ""
    return f"{trial.fault:22}{trial.service:14}{times}  {trial.word}{by}{named}"


def _told(repair: Repair) -> str:
    doing = ", ".join(repair.actions)
    return f"{repair.id} {doing} at {repair.service} ({repair.fault_type}): {repair.status} {repair.reason}".rstrip()


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def document(trials: Sequence[Trial], *, about: Mapping[str, Any]) -> dict[str, Any]:
    """A drill for programs, and for one that is resumed."""
    rows = [{**asdict(each), "word": each.word} for each in trials]
    return {"about": dict(about), "figures": asdict(figures(trials)), "trials": rows}


def trials_of(kept: Mapping[str, Any]) -> tuple[Trial, ...]:
    """The trials of a document."""
    return tuple(
        Trial(
            **{
                **{name: value for name, value in row.items() if name not in ("word", "repairs", "notes")},
                "repairs": tuple(
                    Repair(**{**each, "actions": tuple(each["actions"])}) for each in row["repairs"]
                ),
                "notes": tuple(row["notes"]),
            }
        )
        for row in kept["trials"]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is drilled: faults, each so many times."""

    faults: tuple[str, ...]
    runs: int = 5
    done: frozenset[str] = frozenset()

    def left(self) -> list[tuple[str, int]]:
        """What is still to be done: every fault once, then every fault again, so that a drill that is stopped has seen all."""
        every = [(fault, number) for number in range(1, self.runs + 1) for fault in self.faults]
        return [each for each in every if key_of(*each) not in self.done]
