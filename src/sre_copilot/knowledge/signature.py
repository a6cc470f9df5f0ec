"""What a fault is recognised by: kinds of findings with the role of their entity, whatever the services are called.

A token is written `culprit metric.saturation_cpu resource/cpu strong`: the role of the entity seen from the one that caused it (`culprit`
where it is left out), the kind of the finding, and, where known, the fault type that it points to and its coarse size.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.faults import FAULT_TYPES
from sre_copilot.domain.topology import Topology
from sre_copilot.errors import UsageError

Role = Literal["culprit", "caller", "callee", "elsewhere"]
Size = Literal["", "weak", "clear", "strong"]
ROLES: tuple[Role, ...] = get_args(Role)

CLEAR = 1.0  # nats: odds of e to 1, the least that the verdict counts as more than chance
STRONG = 3.0  # nats: odds of twenty to 1
NATS: Mapping[Size, float] = {"": 2.0, "weak": 0.5, "clear": 2.0, "strong": 4.0}
"""The middle of each size, so that two recordings of one fault compare alike though their strengths differ a little."""

SYMPTOM = 0.3  # of the weight: that something is slow or fails is seen in most faults and tells few apart
BESIDE = 0.25  # of the weight: what is seen at others depends on who calls whom, and how much
_KIND = re.compile(r"[a-z]+\.[a-z0-9_.]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One sign."""

    kind: str
    role: Role = "culprit"
    fault_type: str = ""
    size: Size = ""

    @property
    def modality(self) -> str:
        """The kind of telemetry, as the first word of the kind names it."""
        return self.kind.partition(".")[0]

    @property
    def specific(self) -> bool:
        """Whether it points to a fault, not only to a symptom."""
        return bool(self.fault_type) and not self.fault_type.startswith("degradation/")

    @property
    def weight(self) -> float:
        """How much it says, in nats."""
        told = 1.0 if self.specific or not self.fault_type else SYMPTOM
        return NATS[self.size] * told * (1.0 if self.role == "culprit" else BESIDE)

    def __str__(self) -> str:
        return " ".join(part for part in (self.role, self.kind, self.fault_type, self.size) if part)


def parse_token(text: str) -> Token:
    """Read a token.

    Raises
    ------
    UsageError : names the word that cannot be read
    """
    found: dict[str, str] = {}
    for word in text.split():
        name = _place(word)
        if not name or name in found:
            raise UsageError(
                f"signature: {text!r}: {word!r} cannot be read; write for example 'culprit metric.saturation_cpu resource/cpu strong' "
                f"(roles: {', '.join(ROLES)}; sizes: weak, clear, strong)"
            )
        found[name] = word
    if "kind" not in found:
        raise UsageError(f"signature: {text!r}: names no kind of finding, for example metric.saturation_cpu")
    return Token(
        kind=found["kind"],
        role=cast(Role, found.get("role", "culprit")),
        fault_type=found.get("fault_type", ""),
        size=cast(Size, found.get("size", "")),
    )


def _place(word: str) -> str:
    if word in ROLES:
        return "role"
    if word in ("weak", "clear", "strong"):
        return "size"
    if word in FAULT_TYPES:
        return "fault_type"
    return "kind" if _KIND.fullmatch(word) else ""


def tokens_of(findings: Iterable[Finding], culprit: str, topology: Topology) -> tuple[Token, ...]:
    """The signs of findings, seen from one entity; of several alike the strongest, strongest first."""
    best: dict[tuple[str, str, str], tuple[float, Token]] = {}
    for finding in findings:
        token = token_of(finding, culprit, topology)
        key = (token.role, token.kind, token.fault_type)
        if key not in best or best[key][0] < finding.weight:
            best[key] = (finding.weight, token)
    found = sorted(best.values(), key=lambda pair: (-pair[1].weight, -pair[0], str(pair[1])))
    return tuple(token for _, token in found)


def token_of(finding: Finding, culprit: str, topology: Topology) -> Token:
    """The sign that a finding is."""
    return Token(
        kind=finding.kind,
        role=role_of(finding.entity, culprit, topology),
        fault_type=finding.fault_type or "",
        size=size_of(finding.weight),
    )


def role_of(entity: str, culprit: str, topology: Topology) -> Role:
    """What an entity is to the one that is looked at: callers of callers call it too."""
    if entity == culprit:
        return "culprit"
    if entity in topology.upstream(culprit):
        return "caller"
    return "callee" if entity in topology.downstream(culprit) else "elsewhere"


def size_of(weight: float) -> Size:
    """The coarse size of a strength in nats."""
    return "strong" if weight >= STRONG else "clear" if weight >= CLEAR else "weak"


def similarity(known: Iterable[Token], present: Iterable[Token], *, fault_type: str = "") -> float:
    """How alike two sets of signs are, 0..1: the harmonic mean of how much of the known is present and how much of the present is explained.

    A sign fits another of the same kind and role, or, by seven tenths, one of the same role that points to the same fault: another
    detector may have seen it. What is present and points to nothing but a symptom needs no explanation, and neither does what others suffer.
    """
    wanted, found = tuple(known), tuple(present)
    weight = sum(token.weight for token in wanted)
    if not weight or not found:
        return 0.0
    covered = sum(token.weight * _best(token, found) for token in wanted) / weight
    asking = {token: asked for token in found if (asked := _asks(token))}
    total = sum(asking.values())
    told = sum(asked * _explained(token, wanted, fault_type) for token, asked in asking.items())
    explained = told / total if total else 1.0
    return 2 * covered * explained / (covered + explained) if covered + explained else 0.0


SUFFERED = ("code", "dependency", "degradation", "network")
"""Families of faults that whoever calls a faulty service seems to have too."""

ALIKE = 0.7  # the same role and the same fault, seen by something else


def _best(token: Token, others: Iterable[Token]) -> float:
    return max((_fit(token, other) for other in others), default=0.0)


def _fit(one: Token, other: Token) -> float:
    if one.role != other.role:
        return 0.0
    if one.kind == other.kind:
        return _near(one.size, other.size)
    return ALIKE if one.specific and one.fault_type == other.fault_type else 0.0


def _near(one: Size, other: Size) -> float:
    """A size is coarse: the next one is nearly the same, a weak trace of what was strong is half of it."""
    if not one or not other or one == other:
        return 1.0
    return 0.5 if {one, other} == {"weak", "strong"} else 0.85


def _asks(token: Token) -> float:
    """The weight of a sign that a known fault has to explain.

    That is what is seen at the culprit, and what is strong elsewhere, at full weight: it may be another cause. What callers seem to have
    because they suffer needs no explanation.
    """
    if not token.specific or token.role == "culprit":
        return token.weight if token.specific else 0.0
    suffers = token.role == "caller" and token.fault_type.partition("/")[0] in SUFFERED
    return NATS[token.size] if token.size == "strong" and not suffers else 0.0


def contradicted(known: Iterable[Token], present: Iterable[Token], *, fault_type: str = "") -> bool:
    """Whether something strong is seen that the known fault never showed: then it is another one until somebody looked.

    At the culprit it is enough that something like it was seen; at others it must have been as strong, else the cause may be there.
    """
    wanted = tuple(known)
    strong = (token for token in present if token.size == "strong" and _asks(token))
    return any(
        _explained(each, wanted, fault_type) < (ALIKE if each.role == "culprit" else 1.0) for each in strong
    )


def _explained(token: Token, known: Iterable[Token], fault_type: str) -> float:
    if token.role == "culprit" and fault_type and token.fault_type == fault_type:
        return 1.0
    return _best(token, known)
