"""What a log statement is about: told by the common terms of the field, in order of how precise they are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Topic = Literal[
    "normal", "error", "exception", "timeout", "connection", "resource", "authentication", "database"
]


@dataclass(frozen=True, slots=True)
class Classification:
    """Class of a statement.

    `fault_type` is an id of `domain.faults` or None; `about_dependency` says that the line complains of something that
    was called, so that its own service is more likely a victim.
    """

    topic: Topic
    fault_type: str | None = None
    about_dependency: bool = False

    @property
    def is_error(self) -> bool:
        """Whether the line reports that something went wrong."""
        return self.topic != "normal"


def _rule(
    terms: str, topic: Topic, fault_type: str | None, dependency: bool = False
) -> tuple[re.Pattern[str], Classification]:
    return re.compile(terms, re.IGNORECASE), Classification(topic, fault_type, dependency)


_RULES = (
    _rule(r"oom[- _]?kill|out of memory:? kill", "resource", "resource/out-of-memory"),
    _rule(r"out ?of ?memory|cannot allocate memory|memoryerror|bad_alloc", "resource", "resource/memory"),
    _rule(r"no space left|disk (is )?full|enospc|disk quota exceeded", "resource", "resource/disk"),
    _rule(
        r"pool(ed)?\b.{0,40}(exhaust|limit|timed? ?out|timeout|empty|full)|pooltimeout|connection is not available"
        r"|(unable to|cannot|couldn't|could not) (get|acquire|obtain) a? ?connection",
        "resource",
        "resource/pool",
    ),
    _rule(r"too many (open files|threads|processes)|resource temporarily unavailable", "resource", None),
    _rule(r"too many (clients|connections)|remaining connection slots", "database", "database/connections", True),
    _rule(
        r"deadlock|lock (wait )?timeout|locknotavailable|could not obtain lock|canceling statement due to lock",
        "database",
        "database/lock",
        True,
    ),
    _rule(r"read[- ]only (transaction|mode|database|replica)|--read-only", "database", "database/read-only", True),
    _rule(r"password authentication failed|access denied for user", "database", "database/credentials", True),
    _rule(
        r"certificate|x509|(ssl|tls).{0,40}(handshake|verif|expired|invalid|alert)|(token|key|signature) (has )?expired",
        "authentication",
        "security/certificate",
        True,
    ),
    _rule(r"no such host|name resolution|unknown ?host|nxdomain|getaddrinfo|name or service not known",
          "connection", "network/dns", True),
    _rule(
        r"no instances? available|service unavailable|no healthy (upstream|endpoint)|circuit.{0,12}open\b",
        "connection",
        "dependency/unavailable",
        True,
    ),
    _rule(
        r"connection.{0,12}(refused|reset|aborted|closed|error)|connect(ion)? failed|econn(refused|reset|aborted)"
        r"|broken pipe|no route to host|unreachable|disconnected|upstream connect error"
        r"|\b(connect|read|write|network|transport|remoteprotocol)(error|exception)\b",
        "connection",
        "network/reset",
        True,
    ),
    _rule(r"timed? ?out\b|timeout|deadline exceeded|etimedout", "timeout", None, True),
    _rule(r"\bunauthori[sz]ed|\bforbidden|permission denied|authentication fail|invalid (token|credential)",
          "authentication", None),
    _rule(r"exception|traceback|\bpanic\b|segfault|segmentation fault|unhandled|stack ?trace|\w+Error\b",
          "exception", "code/exception"),
    _rule(r"\berrors?\b|\bfatal\b|\bcritical\b|\bfail(ed|ure|s)?\b|\bunable to\b", "error", None),
)  # fmt: skip

_NORMAL = Classification("normal")

ERROR_LEVELS = frozenset({"ERROR", "ERR", "FATAL", "CRITICAL", "SEVERE", "ALERT", "EMERG", "PANIC"})
"""Levels that mean that something went wrong; a warning does not."""


@lru_cache(maxsize=65536)
def classify(template: str, level: str = "") -> Classification:
    """Tell what a template is about.

    Parameters
    ----------
    template : text of the statement
    level : level of its lines, when known: an informational line is normal whatever words it holds (a retry policy may
        speak of timeouts), an error line is at least `error`

    Returns
    -------
    its class
    """
    upper = level.upper()
    if upper and upper not in ERROR_LEVELS:
        return _NORMAL
    for terms, found in _RULES:
        if terms.search(template):
            return found
    return Classification("error") if upper in ERROR_LEVELS else _NORMAL
