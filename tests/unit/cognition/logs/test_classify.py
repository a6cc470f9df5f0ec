"""Classes of log statements."""

from __future__ import annotations

import pytest

from sre_copilot.cognition.logs.classify import classify
from sre_copilot.domain.faults import FAULT_TYPES


@pytest.mark.parametrize(
    ("text", "topic", "fault_type"),
    [
        ("java.lang.OutOfMemoryError: heap", "resource", "resource/memory"),
        ("Out of memory: Killed process <*>", "resource", "resource/out-of-memory"),
        ("till: ReadError", "connection", "network/reset"),
        ("write failed: No space left on device", "resource", "resource/disk"),
        ("connection pool exhausted after <*>", "resource", "resource/pool"),
        ("FATAL: sorry, too many clients already", "database", "database/connections"),
        ("ERROR: deadlock detected", "database", "database/lock"),
        ("cannot execute INSERT in a read-only transaction", "database", "database/read-only"),
        ("password authentication failed for user <*>", "database", "database/credentials"),
        ("x509: certificate has expired", "authentication", "security/certificate"),
        ("dial tcp: lookup till: no such host", "connection", "network/dns"),
        ("dial tcp <*>: connection refused", "connection", "network/reset"),
        ("request timed out after <*>", "timeout", None),
        ("ValueError: bad amount", "exception", "code/exception"),
        ("failed to render page", "error", None),
        ("order <*> done", "normal", None),
    ],
)
def test_common_terms_of_the_field_are_told_apart(text: str, topic: str, fault_type: str | None) -> None:
    found = classify(text)
    assert (found.topic, found.fault_type) == (topic, fault_type)
    assert fault_type is None or fault_type in FAULT_TYPES


def test_an_informational_line_is_normal_whatever_words_it_holds() -> None:
    assert not classify("retry policy: timeout <*>, errors <*>", "INFO").is_error


def test_an_error_line_without_known_terms_is_an_error() -> None:
    assert classify("no such item", "ERROR").topic == "error"


def test_complaints_about_a_dependency_are_marked() -> None:
    assert classify("call to till: connection reset by peer", "ERROR").about_dependency
    assert not classify("IndexError: list index out of range", "ERROR").about_dependency
