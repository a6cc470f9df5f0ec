"""Following a list in the background: what ends it is noticed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from sre_copilot.errors import SourceAnswerError
from sre_copilot.perception.cluster.api import KubernetesApi, Listing
from sre_copilot.perception.cluster.watch import KEPT, Follower, follow


class Told:
    """An API server whose watch tells what it is given."""

    name = "kubernetes"

    def __init__(self, *events: Any, breaks: bool = False) -> None:
        self.events, self.breaks, self.closed = events, breaks, False

    @contextmanager
    def watch(self, path: str, *, version: str, seconds: int) -> Iterator[Iterator[Any]]:
        if self.breaks:
            raise RuntimeError("a mistake of our own")
        yield iter(self.events)

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    "event", [{"type": "ADDED", "object": "x"}, {"type": "ADDED", "object": {"metadata": 1}}]
)
def test_what_is_no_object_is_an_error_in_words(event: Any) -> None:
    api = cast(KubernetesApi, Told(event))
    with pytest.raises(SourceAnswerError, match="no object"):
        list(follow(api, "/x", stop=threading.Event(), listing=Listing(version="1")))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_follower_that_has_ended_is_not_taken_for_one_that_sees_nothing() -> None:
    told = Told(breaks=True)
    follower = Follower(cast(KubernetesApi, told), "/x")
    follower.start(Listing(version="1"))
    until = time.monotonic() + 5
    while follower.running and time.monotonic() < until:
        time.sleep(0.01)
    assert not follower.running
    assert told.closed


def test_a_follower_that_has_forgotten_older_events_says_so() -> None:
    follower = Follower(cast(KubernetesApi, Told()), "/x")
    follower.start(Listing(items=tuple({"n": n} for n in range(KEPT + 1)), version="1"))
    assert follower.full
    assert len(follower.seen()) == KEPT
    follower.close()
