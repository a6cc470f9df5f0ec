"""What every source must keep to.

A test of a source derives from `SourceContract` and brings the system: a real server, or a stand-in of `testing.servers`.
What a system stores is counted in items at whole seconds, whatever kind of telemetry it holds.
"""

# ruff: noqa: S101 (a suite of tests, shipped)

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceError, SourceRefused, SourceUnreachable
from sre_copilot.perception import pace
from sre_copilot.perception.source import Reading, Source
from sre_copilot.testing.servers.unruly_proxy import UnrulyProxy, unruly_proxy

SECRET = "s3cr3t-of-the-contract"  # noqa: S105 - it guards nothing
NOW = 60 * (int(time.time()) // 60) - 600
"""A full minute ten minutes ago: systems refuse what is old, and what is to come."""
STEP = 60


class System(Protocol):
    """A running system that a source reads, and how it is filled.

    `url` is '' where it does not speak HTTP; `page` is the number of items from which on its answers are paged or cut.
    """

    url: str
    page: int

    def store(self, times: Sequence[int]) -> None:
        """Store one item at each time (epoch s), in this order, and return when it can be read."""
        ...

    def source(self, **settings: Any) -> Source:
        """Return a source of it; `settings` are those of the source, `url` may be another one."""
        ...

    def times(self, reading: Reading) -> list[int]:
        """Return the times of the items in a reading, in its order."""
        ...


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep to as many tries as always, but with short pauses; what a server asks to wait is waited in full."""
    for pause in ("FIRST_PAUSE_S", "LONGEST_PAUSE_S", "JITTER_S"):
        monkeypatch.setattr(pace, pause, 0.01)


class SourceContract:
    """Derive a test class from it and bring the system."""

    timed = True
    """Whether what the system holds has times; topology and state have none."""

    def system(self, folder: Path) -> AbstractContextManager[System]:
        """Start an empty system; `folder` is empty and may be used."""
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        impatient(monkeypatch)

    @pytest.fixture
    def running(self, tmp_path: Path) -> Iterator[System]:
        """An empty system."""
        with self.system(tmp_path) as system:
            yield system

    def test_it_returns_what_lies_in_the_window_and_nothing_else(self, running: System) -> None:
        """The start belongs to the window, the end does not."""
        if not self.timed:
            pytest.skip("what it holds has no times")
        running.store([NOW + i * STEP for i in range(5)])
        with _opened(running) as source:
            reading = source.read(Window(NOW + STEP, NOW + 3 * STEP))
            assert running.times(reading) == [NOW + STEP, NOW + 2 * STEP]

    def test_an_empty_window_is_no_error_and_no_row(self, running: System) -> None:
        """Nothing recorded is nothing, not an invented row."""
        with _opened(running) as source:
            assert running.times(source.read(Window(NOW, NOW + STEP))) == []

    def test_answers_longer_than_a_page_come_whole_and_once(self, running: System) -> None:
        """Paging loses and repeats nothing."""
        if not (self.timed and running.page):
            pytest.skip("its answers are not paged")
        count = 2 * running.page + 1
        times = [NOW - i for i in range(count)]
        running.store(times)
        with _opened(running) as source:
            assert running.times(source.read(Window(NOW - count, NOW + 1))) == sorted(times)

    def test_every_query_can_be_seen(self, running: System) -> None:
        """What was asked is told, with its window."""
        running.store([NOW])
        with _opened(running) as source:
            asked = source.read(Window(NOW, NOW + STEP)).asked
        assert asked
        assert all(each.source == source.name and each.text for each in asked)

    def test_a_healthy_system_is_healthy(self, running: System) -> None:
        """Health says yes."""
        with _opened(running) as source:
            health = source.health()
        assert health.ok, health

    def test_a_short_failure_is_waited_out(self, running: System) -> None:
        """503 twice is no error."""
        with _behind(running) as (proxy, source):
            proxy.misbehave("unavailable", times=2)
            source.read(Window(NOW, NOW + STEP))

    def test_an_overloaded_system_is_given_time(self, running: System) -> None:
        """429 with Retry-After is obeyed."""
        with _behind(running) as (proxy, source):
            proxy.misbehave("overloaded")
            start = time.monotonic()
            source.read(Window(NOW, NOW + STEP))
            assert time.monotonic() - start >= 0.9

    def test_a_silent_system_is_given_up_in_time(self, running: System) -> None:
        """The error names the source and the way out."""
        with _behind(running, timeout_seconds=0.3, attempts=1) as (proxy, source):
            proxy.misbehave("silent", times=10)
            with pytest.raises(SourceUnreachable) as caught:
                source.read(Window(NOW, NOW + STEP))
            assert caught.value.source == source.name
            assert "timeout_seconds" in caught.value.remedy

    def test_a_refusal_names_the_credentials_and_hides_them(self, running: System) -> None:
        """No secret is in the error, however much the server quotes."""
        with _behind(running, bearer_token=SECRET) as (proxy, source):
            proxy.misbehave("unauthorised", times=10)
            with pytest.raises(SourceRefused) as caught:
                source.read(Window(NOW, NOW + STEP))
            assert SECRET not in f"{caught.value} {caught.value!r} {source!r} {vars(source)!r}"
            assert "bearer_token" in caught.value.remedy

    def test_what_is_no_answer_is_an_error(self, running: System) -> None:
        """A login page is not read as an empty answer."""
        with _behind(running) as (proxy, source):
            proxy.misbehave("garbage", times=10)
            with pytest.raises(SourceError):
                source.read(Window(NOW, NOW + STEP))

    def test_the_health_of_a_system_that_is_down_says_what_to_do(self, running: System) -> None:
        """Health does not raise."""
        if not running.url:
            pytest.skip("it does not speak HTTP")
        source = running.source(url="http://127.0.0.1:9", attempts=1)
        health = source.health()
        source.close()
        assert not health.ok
        assert health.problem
        assert health.remedy


@contextmanager
def _opened(system: System, **settings: Any) -> Iterator[Source]:
    source = system.source(**settings)
    try:
        yield source
    finally:
        source.close()


@contextmanager
def _behind(system: System, **settings: Any) -> Iterator[tuple[UnrulyProxy, Source]]:
    """A source that reaches the system through a proxy that can misbehave."""
    if not system.url:
        pytest.skip("it does not speak HTTP")
    with unruly_proxy(system.url) as proxy, _opened(system, url=proxy.url, **settings) as source:
        yield proxy, source
