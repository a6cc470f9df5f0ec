"""A receiver that keeps what it gets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from sre_copilot.testing.receivers import ReceiverLog, http_receiver


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def at(stack: ExitStack) -> ReceiverLog:
    return stack.enter_context(http_receiver("webhook"))
