"""Accuracy of log templates: do lines that belong together stand together, and does their template read as it was written.

References
----------
Zhu et al., Tools and benchmarks for automated log parsing, ICSE-SEIP 2019, section 4.1 (GA); Khan et al., Guidelines for assessing the accuracy of
log message template identification techniques, ICSE 2022, section 3.2 (FTA); Jiang et al., A large-scale evaluation for log
parsing techniques: how far are we?, ISSTA 2024, section 3.3 (FGA, FTA).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Shares of one. `ga`: of the lines whose group is exactly right; `fga`: F1 over groups; `fta`: F1 over templates."""

    ga: float
    fga: float
    fta: float


def accuracy(found: Sequence[str], true: Sequence[str]) -> Accuracy:
    """Compare the template of each line with the true one; lines of one template are a group.

    A group is right when it holds exactly the lines of a true one (GA counts its lines, FGA groups). A template is right when all of its lines
    have one true template, and that is the same token by token (FTA).

    Raises
    ------
    ValueError : when there are no lines, or not as many of both
    """
    if not found or len(found) != len(true):
        raise ValueError(f"{len(found)} templates do not fit {len(true)} lines")
    here, there = Counter(found), Counter(true)
    both = Counter(zip(found, true, strict=True))
    right = [count for (ours, theirs), count in both.items() if count == here[ours] == there[theirs]]
    pure = sum(ours == theirs and count == here[ours] for (ours, theirs), count in both.items())
    return Accuracy(
        ga=sum(right) / len(found),
        fga=_f1(len(right), len(here), len(there)),
        fta=_f1(pure, len(here), len(there)),
    )


def _f1(right: int, found: int, true: int) -> float:
    """The harmonic mean of right / found and right / true."""
    return 2 * right / (found + true)
