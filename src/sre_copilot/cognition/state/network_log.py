"""Failed connections in logs: which workload could not reach which service, and how it failed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from sre_copilot.cognition.state.scene import Scene

NAMES = r"no such host|UnknownHost|name or service not known|name resolution|could not resolve|getaddrinfo|ENOTFOUND|EAI_AGAIN|server misbehaving"
TIMES = r"timed out|i/o timeout|timeout|deadline exceeded|no route to host|host is unreachable"
REFUSALS = r"connection refused|ECONNREFUSED|connection reset|actively refused|UnableToConnect|failed to connect|communications link failure"
_FAILURE = f"(?i){NAMES}|{TIMES}|{REFUSALS}"
_KINDS = (("name", re.compile(NAMES, re.I)), ("refused", re.compile(r"connection refused|ECONNREFUSED", re.I)),
          ("timeout", re.compile(TIMES, re.I)), ("refused", re.compile(REFUSALS, re.I)))  # fmt: skip
LIMIT = 2_000  # lines of one service; more of them say no more about whom it cannot reach
_NESTED = re.compile(r"rpc error|Caused by|nested exception|upstream", re.IGNORECASE)
_REMOTE = re.compile(
    r"dial|connect|lookup|resolve|host|socket|upstream|transport|request|route", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Failure:
    """`caller` could not reach service `target` at `port` (0 = not said): `kind` is name, timeout or refused.

    `writer` is the service whose log says so, `fragment` the text that it says; `lasting` when it still said so in the last tenth
    of the time that its log covers, which is known only where messages begin with their time.
    """

    caller: str
    target: str
    port: int
    kind: str
    writer: str
    fragment: str
    count: int
    lasting: bool


def failures(scene: Scene) -> tuple[Failure, ...]:
    """Failed connections by caller, target, port and kind, most frequent first."""
    if scene.logs is None or scene.logs.is_empty():
        return ()
    targets = _targets(scene)
    if targets is None:
        return ()
    counts: Counter[tuple[str, str, int, str, str, str]] = Counter()
    lasting: set[tuple[str, str, int, str, str, str]] = set()
    for writer, message in _latest(scene.log_matches(_FAILURE)):
        late = scene.late(writer, message)
        for target, port, kind, fragment in _mentions(scene, targets, message[:2_000]):
            key = (_caller(scene, writer, target, message), target, port, kind, writer, fragment)
            counts[key] += 1
            if late:
                lasting.add(key)
    return tuple(
        Failure(*key, count, key in lasting)
        for key, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def _latest(matches: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The last lines of each service that fit into the limit; where messages begin with their time, the latest."""
    for _, own in groupby(matches, key=lambda match: match[0]):
        yield from list(own)[-LIMIT:]


def _targets(scene: Scene) -> re.Pattern[str] | None:
    names = [
        *scene.cluster.services,
        *(name for name in scene.cluster.workloads if name not in scene.cluster.services),
    ]
    known = sorted(
        {*names, *(address for address in scene.addresses if address.count(".") == 3)}, key=len, reverse=True
    )
    if not known:
        return None
    return re.compile(
        r"(?<![\w.-])(" + "|".join(map(re.escape, known)) + r")(?:\.[\w.-]+?)?(?::(\d{2,5}))?(?![\w-])"
    )


def _mentions(scene: Scene, targets: re.Pattern[str], message: str) -> set[tuple[str, int, str, str]]:
    """Targets near a phrase of failure: within the 160 characters before it or the 60 after it, the width of one clause."""
    found = set()
    for kind, pattern in _KINDS:
        for match in pattern.finditer(message):
            clause = message[max(0, match.start() - 160) : match.end() + 60]
            hits = list(targets.finditer(clause))
            if hits and _REMOTE.search(clause):
                hit = min(hits, key=lambda each: abs(each.start() - min(160, match.start())))
                name = scene.addresses.get(hit[1], hit[1])
                found.add((name, int(hit[2] or 0), kind, match[0] if hit[0].count(" ") else hit[0]))
        if found:
            return found
    return found


def _caller(scene: Scene, writer: str, target: str, message: str) -> str:
    """Who dialled: the writer, or the service between it and the target when the error came through a call."""
    if len(_NESTED.findall(message)) < 2:
        return writer
    behind = scene.routes.get(target) or frozenset({target})
    between = [
        callee
        for callee in scene.calls.get(writer, frozenset())
        if behind & scene.calls.get(callee, frozenset())
    ]
    return between[0] if len(between) == 1 else writer
