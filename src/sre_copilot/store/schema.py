"""The whole schema: every module that brings tables is imported here, so that `metadata` is all of them."""

from __future__ import annotations

from sre_copilot.store import (  # noqa: F401 - their tables belong to the schema
    approvals,
    audit_chain,
    cases,
    effects,
    experience,
    leases,
    limits,
    notifications,
    oncall,
    outcomes,
    passages,
    plans,
    remediation,
    rooms,
    workflows,
)
from sre_copilot.store.alerting import tables  # noqa: F401 - as above
from sre_copilot.store.tables import metadata

__all__ = ["metadata"]
