"""What one rule asks for, and what is left when the strictest of all counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A rule asks for a mode at least as strict, for two people, or for nobody at all, and says why."""

    message: Message
    mode: Mode = Mode.AUTO
    four_eyes: bool = False
    forbidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The strictest of all rules; `reasons` are the sentences of those that decided."""

    mode: Mode
    four_eyes: bool
    forbidden: bool
    reasons: tuple[Message, ...]


WITHOUT_A_WORD = Verdict(mode=Mode.AUTO, four_eyes=False, forbidden=False, reasons=())
"""Where nothing was asked: nothing is against it."""


def ruling(key: str, mode: Mode = Mode.AUTO, **params: str | float) -> Ruling:
    """A ruling with its sentence."""
    return Ruling(message=Message(key=f"decision.{key}", params=tuple(params.items())), mode=mode)


def strictest(rulings: Iterable[Ruling]) -> Verdict:
    """The strictest of all: what is forbidden is forbidden, two people are two people, and of modes the largest counts.

    What nobody may do is MANUAL, what two must agree to at least SEMI_AUTO.
    """
    known = list(rulings)
    forbidden = any(each.forbidden for each in known)
    mode = max((_least(each) for each in known), default=Mode.MANUAL)  # where no rule spoke, a person does
    deciding = [each for each in known if each.forbidden] if forbidden else known
    reasons = [each.message for each in deciding if each.four_eyes or _least(each) == mode]
    return Verdict(
        mode=mode,
        four_eyes=any(each.four_eyes for each in known),
        forbidden=forbidden,
        reasons=tuple(dict.fromkeys(reasons)),
    )


def strictest_of(verdicts: Iterable[Verdict]) -> Verdict:
    """The strictest of several steps."""
    known = tuple(verdicts) or (WITHOUT_A_WORD,)
    forbidden = any(each.forbidden for each in known)
    mode = max(each.mode for each in known)
    deciding = [
        each for each in known if (each.forbidden if forbidden else each.mode == mode or each.four_eyes)
    ]
    return Verdict(
        mode=mode,
        four_eyes=any(each.four_eyes for each in known),
        forbidden=forbidden,
        reasons=tuple(dict.fromkeys(reason for each in deciding for reason in each.reasons)),
    )


def _least(each: Ruling) -> Mode:
    if each.forbidden:
        return Mode.MANUAL
    return max(each.mode, Mode.SEMI_AUTO) if each.four_eyes else each.mode
