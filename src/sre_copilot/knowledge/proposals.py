"""What labels speak for: another threshold, another prompt, another card. A proposal waits until a person accepts it in their own name."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sre_copilot.clock import Clock
from sre_copilot.domain.knowledge import Card
from sre_copilot.errors import UsageError
from sre_copilot.knowledge.keeping import Experience, every
from sre_copilot.knowledge.labels import QUORUM, Label, believed
from sre_copilot.store.database import Database
from sre_copilot.store.experience import proposal_records

Kind = Literal["threshold", "prompt", "card"]
MOST = 0.95  # a threshold above tells nothing any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A change that people's labels speak for; `support` holds their ids, `change` what would be changed and what that does."""

    id: str
    made_at: float
    kind: Kind
    subject: str
    change: Mapping[str, Any]
    support: tuple[str, ...]
    standing: Literal["draft", "accepted", "rejected"] = "draft"
    decided_at: float | None = None
    decided_by: str = ""
    note: str = ""


class Proposals:
    """Keeps proposals and lets people decide."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._records = proposal_records(database)
        self._clock = clock

    def make(self, labels: Sequence[Label], *, threshold: float) -> tuple[Proposal, ...]:
        """Keep all that the labels speak for; what was decided already stays decided. `threshold` is the one in use."""
        made = propose(labels, threshold=threshold, now=self._clock.now())
        fresh = [
            each for each in made if (row := self._records.get(each.id)) is None or row["standing"] == "draft"
        ]
        self._records.save(_row(each) for each in fresh)
        return tuple(fresh)

    def all(self, *, standing: str = "") -> tuple[Proposal, ...]:
        """Proposals, the latest first."""
        rows = every(self._records, **({"standing": standing} if standing else {}))
        return tuple(_proposal(row) for row in rows)

    def decide(self, key: str, *, accept: bool, by: str, shelf: Experience, note: str = "") -> Proposal:
        """Accept or reject in one's own name; an accepted card proposal becomes the card's next revision.

        Raises
        ------
        UsageError : when there is none, it was decided, or nobody's name stands for it
        """
        row = self._records.get(key)
        if row is None:
            raise UsageError(
                f"id: there is no proposal {key!r}; `sre-copilot knowledge proposals list` shows those there are"
            )
        if row["standing"] != "draft":
            raise UsageError(f"id: proposal {key!r} was {row['standing']} by {row['decided_by']}")
        if not by.strip():
            raise UsageError("by: a decision needs the name of a person")
        standing: Literal["accepted", "rejected"] = "accepted" if accept else "rejected"
        decided = replace(
            _proposal(row), standing=standing, decided_at=self._clock.now(), decided_by=by, note=note
        )
        if accept and decided.kind == "card":
            shelf.save(
                corrected(shelf.card(decided.subject), decided.change["fields"]),
                by=by,
                note=f"proposal {key}",
            )
        self._records.save([_row(decided)])
        return decided

    def thresholds(self) -> Mapping[str, float]:
        """The accepted threshold of each metric: the last that was decided counts."""
        accepted = [each for each in self.all(standing="accepted") if each.kind == "threshold"]
        accepted.sort(key=lambda each: each.decided_at or 0.0)
        return {each.subject: float(each.change["to"]) for each in accepted}


def propose(labels: Sequence[Label], *, threshold: float, now: float) -> tuple[Proposal, ...]:
    """All that believed labels of enough people speak for."""
    heard = believed(labels)
    by_subject: dict[tuple[str, str], list[Label]] = defaultdict(list)
    for label in heard:
        if label.subject:
            by_subject[label.target, label.subject].append(label)
    found: list[Proposal] = []
    for (target, subject), said in sorted(by_subject.items()):
        if target == "finding":
            found += _threshold(subject, said, threshold, now)
        elif target == "card":
            found += _card(subject, said, now)
        else:
            found += _prompt(subject, said, now)
    return tuple(found)


def _threshold(subject: str, said: Sequence[Label], threshold: float, now: float) -> list[Proposal]:
    """Above most findings that were called wrong, and below as many right ones as can be: where the fewest labels are contradicted."""
    scored = [
        (label.score, label.right) for label in said if label.score is not None and label.score >= threshold
    ]
    wrong = [label for label in said if not label.right and label.score is not None]
    if len({label.by for label in wrong}) < QUORUM:
        return []
    places = sorted({threshold, *(min(MOST, round(score + 0.01, 2)) for score, right in scored if not right)})
    best = min(places, key=lambda place: (_errors(scored, place), place))
    if best <= threshold or _errors(scored, best) >= _errors(scored, threshold):
        return []
    lost = sum(right and score < best for score, right in scored)
    silenced = sum(not right and score < best for score, right in scored)
    change = {
        "from": threshold,
        "to": best,
        "false_alarms_silenced": silenced,
        "right_ones_lost": lost,
        "of": len(scored),
    }
    return [_made("threshold", subject, change, wrong, now)]


def _errors(scored: Iterable[tuple[float, bool]], threshold: float) -> int:
    return sum((score >= threshold) != right for score, right in scored)


def _card(subject: str, said: Sequence[Label], now: float) -> list[Proposal]:
    """A correction that enough people gave alike."""
    words: dict[tuple[str, str], list[Label]] = defaultdict(list)
    for label in said:
        for field, text in label.correction.items():
            if field in ("root_cause", "manifestation", "measure", "fault_type") and not label.right:
                words[field, text.strip()].append(label)
    agreed = {pair: those for pair, those in words.items() if len({each.by for each in those}) >= QUORUM}
    if not agreed:
        return []
    fields = dict(sorted(agreed, key=lambda pair: len(agreed[pair])))
    support = {label.id: label for those in agreed.values() for label in those}
    return [_made("card", subject, {"fields": fields}, list(support.values()), now)]


def _prompt(subject: str, said: Sequence[Label], now: float) -> list[Proposal]:
    """Outputs of a role that enough people called wrong: what they noted is for the person who edits the prompt, never put into it."""
    wrong = [label for label in said if not label.right]
    if len({label.by for label in wrong}) < QUORUM:
        return []
    notes = [label.note or label.correction.get("text", "") for label in wrong]
    change = {"wrong": len(wrong), "right": len(said) - len(wrong), "notes": [note for note in notes if note]}
    return [_made("prompt", subject, change, wrong, now)]


def corrected(card: Card, fields: Mapping[str, str]) -> Card:
    """The card with fields replaced."""
    return replace(card, **dict(fields))  # type: ignore[arg-type]


def _made(
    kind: Kind, subject: str, change: Mapping[str, Any], support: Sequence[Label], now: float
) -> Proposal:
    content = json.dumps([kind, subject, change], sort_keys=True, ensure_ascii=False)
    key = "P-" + hashlib.blake2b(content.encode(), digest_size=5).hexdigest()
    ids = tuple(sorted(label.id for label in support))
    return Proposal(id=key, made_at=now, kind=kind, subject=subject, change=change, support=ids)


def _row(proposal: Proposal) -> dict[str, Any]:
    row = {name: getattr(proposal, name) for name in Proposal.__dataclass_fields__}
    return {**row, "support": list(proposal.support), "change": dict(proposal.change)}


def _proposal(row: Mapping[str, Any]) -> Proposal:
    return Proposal(**{**row, "support": tuple(row["support"])})
