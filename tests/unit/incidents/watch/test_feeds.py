"""A slow source delays no other, is not asked twice, and its answer still counts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import ClassVar

from sre_copilot.domain.signals import Modality, Window
from sre_copilot.errors import SourceUnreachable
from sre_copilot.incidents.watch.feeds import Feed, ask_all
from sre_copilot.perception.source import Health, Reading, SourceSettings


class Named:
    Settings: ClassVar[type[SourceSettings]] = SourceSettings
    modalities: ClassVar[tuple[Modality, ...]] = ("metrics",)

    def __init__(self, name: str) -> None:
        self.name = name

    def read(self, window: Window) -> Reading:
        return Reading()

    def health(self) -> Health:
        return Health(source=self.name, ok=True)

    def close(self) -> None:
        pass


def test_a_slow_source_delays_no_other_and_answers_with_a_later_tick() -> None:
    slow, quick = Feed[str](Named("slow")), Feed[str](Named("quick"))
    go = threading.Event()
    asked: list[str] = []

    def call(source: object) -> Callable[[], str]:
        name: str = source.name  # type: ignore[attr-defined]

        def read() -> str:
            asked.append(name)
            if name == "slow":
                go.wait(5)
            return name

        return read

    start = time.monotonic()
    first = ask_all([slow, quick], call, now=1.0, patience_seconds=0.3)
    assert time.monotonic() - start < 1.0
    assert (first.late, first.answers) == (("slow",), {"quick": "quick"})
    second = ask_all([slow, quick], call, now=2.0, patience_seconds=0.1)
    assert second.late == ("slow",)
    assert asked.count("slow") == 1
    go.set()
    third = ask_all([slow, quick], call, now=3.0, patience_seconds=2.0)
    assert third.answers["slow"] == "slow"
    assert third.outcomes["slow"].asked_at == 1.0
    for feed in (slow, quick):
        feed.close()


def test_an_error_of_one_source_is_its_own() -> None:
    bad, good = Feed[str](Named("bad")), Feed[str](Named("good"))

    def call(source: object) -> Callable[[], str]:
        def read() -> str:
            if source.name == "bad":  # type: ignore[attr-defined]
                raise SourceUnreachable("bad", "is down", remedy="start it")
            return "here"

        return read

    answered = ask_all([bad, good], call, now=1.0, patience_seconds=2.0)
    assert str(answered.errors["bad"]) == "bad: is down (start it)"
    assert answered.answers == {"good": "here"}


def test_what_nobody_foresaw_is_an_error_of_that_source_and_does_not_end_its_thread() -> None:
    feed = Feed[str](Named("odd"))

    def broken() -> str:
        raise ZeroDivisionError("by zero")

    feed.ask(broken, asked_at=1.0)
    assert "internal error" in str(feed.answer(timeout=2.0).error)
    assert feed.ask(lambda: "again", asked_at=2.0)
    assert feed.answer(timeout=2.0).answer == "again"
