"""From single judgements to the figures of each arm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from sre_copilot.domain.incident import Outcome
from sre_copilot.eval.agents.judge import Judged
from sre_copilot.eval.rca.truth import Truth


def summarise(judged: Sequence[Judged], truths: Mapping[str, Truth]) -> dict[str, Any]:
    """Figures by arm: accuracy by set, verdicts kept, claims that do not re-run true, and what it cost."""
    arms = dict.fromkeys(each.arm for each in judged)
    return {arm: of_arm([each for each in judged if each.arm == arm], truths) for arm in arms}


def of_arm(judged: Sequence[Judged], truths: Mapping[str, Truth]) -> dict[str, Any]:
    """Figures of one arm."""
    answered = [each for each in judged if not each.error]
    seconds = [each.seconds for each in answered] or [0.0]
    return {
        "n": len(answered),
        "errors": len(judged) - len(answered),
        "ac_at_1": {name: _accuracy(group, truths) for name, group in _by_set(answered).items()},
        "no_fault_right": _no_fault(answered, truths),
        "verdict_kept": sum(each.kept for each in answered),
        "verdict_same": sum(each.team == each.core for each in answered),
        "inconclusive": sum(each.team[0] == Outcome.INCONCLUSIVE.value for each in answered),
        "inconclusive_core": sum(each.core[0] == Outcome.INCONCLUSIVE.value for each in answered),
        "claims": sum(each.claims for each in answered),
        "claims_not_reproduced": sum(each.unreproduced for each in answered),
        "calls_most": max((each.calls for each in answered), default=0),
        "input_tokens_most": max((each.input_tokens for each in answered), default=0),
        "input_tokens_mean": float(np.mean([each.input_tokens for each in answered] or [0])),
        "seconds_p95": float(np.percentile(seconds, 95)),
        "partial": sum(bool(each.partial) for each in answered),
    }


def _by_set(judged: Iterable[Judged]) -> dict[str, list[Judged]]:
    found: dict[str, list[Judged]] = {}
    for each in judged:
        found.setdefault(each.set, []).append(each)
    return dict(sorted(found.items()))


def _accuracy(judged: Sequence[Judged], truths: Mapping[str, Truth]) -> dict[str, float | int] | None:
    faults = [each for each in judged if each.case in truths and not truths[each.case].no_fault]
    if not faults:
        return None
    right = sum(each.ranking[:1] == (truths[each.case].entity,) for each in faults)
    core = sum(each.core[1] == truths[each.case].entity for each in faults)
    return {"n": len(faults), "team": right / len(faults), "core_named": core / len(faults)}


def _no_fault(judged: Sequence[Judged], truths: Mapping[str, Truth]) -> dict[str, int]:
    quiet = [each for each in judged if each.case in truths and truths[each.case].no_fault]
    return {"n": len(quiet), "right": sum(each.team[0] == Outcome.NO_FAULT.value for each in quiet)}
