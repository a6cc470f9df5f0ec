"""Votes and delegations as rows, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sre_copilot.decision.approval.model import Delegation, Scope, Vote
from sre_copilot.domain.plan import RiskLevel

VOTE = ("verdict", "person", "fingerprint", "at", "way", "who", "token_id", "on_behalf_of", "reason")
LIMITS = {"person": 200, "who": 200, "on_behalf_of": 200}


def vote_row(vote: Vote) -> dict[str, Any]:
    """A vote as its table holds it."""
    row = {name: getattr(vote, name) for name in VOTE}
    return {**row, **{name: row[name][:longest] for name, longest in LIMITS.items()}}


def vote_of(row: Mapping[str, Any]) -> Vote:
    """A vote out of its row."""
    return Vote(**{name: row[name] for name in VOTE})


def go_ahead_of(row: Mapping[str, Any]) -> Vote:
    """The go-ahead of a step out of its row."""
    return Vote(verdict="approve", **{name: row[name] for name in VOTE if name != "verdict"})


def scope_row(scope: Scope) -> dict[str, Any]:
    """A scope as JSON."""
    return {
        **{key: list(value) for key, value in asdict(scope).items() if key != "at_most"},
        "at_most": int(scope.at_most),
    }


def scope_of(row: Mapping[str, Any]) -> Scope:
    """A scope out of JSON."""
    parts = {name: tuple(row.get(name) or ()) for name in ("environments", "actions", "entities")}
    return Scope(**parts, at_most=RiskLevel(int(row.get("at_most", RiskLevel.CRITICAL))))


def delegation_of(row: Mapping[str, Any]) -> Delegation:
    """A delegation out of its row."""
    names = ("id", "giver", "taker", "starts_at", "ends_at", "revoked_at")
    return Delegation(**{name: row[name] for name in names}, scope=scope_of(row["scope"]))
