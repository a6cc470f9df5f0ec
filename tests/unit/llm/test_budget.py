"""At a limit there is a reply with the reason; nothing is spent beyond, and a restart does not forget."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.llm.asking import question, tool

from sre_copilot.clock import TurnedClock
from sre_copilot.llm.budget import Day, InvestigationLedger, MemoryDayBook, Prices, tokens_of
from sre_copilot.llm.factory import make_speaker
from sre_copilot.llm.keeping import DayFiles, KnownInFile
from sre_copilot.llm.speaking import Usage
from sre_copilot.settings.llm import DayBudget, InvestigationBudget, LanguageModel, Llm
from sre_copilot.testing.models import Answer, Call, ScriptedModel

PRICED = LanguageModel(model="given/fast", price_per_million_input=1000, price_per_million_output=2000)


def ledger(now: Callable[[], float] = lambda: 0.0, **limits: float) -> InvestigationLedger:
    return InvestigationLedger(InvestigationBudget(**limits), Day(DayBudget()), now=now)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"calls": 2, "cost": 0}, "limit of 2 calls"),
        ({"tokens": 300, "cost": 0}, "tokens"),
        ({"cost": 0.3}, "cost"),
    ],
)
def test_at_a_limit_of_an_investigation_there_is_a_reply_and_no_further_call(
    limits: dict[str, float], said: str
) -> None:
    pages = iter(range(100))
    model = ScriptedModel(lambda _: Call("look", {"page": next(pages)}))
    speaker = make_speaker(Llm(models={"fast": PRICED}, investigation=limits), models={"fast": model})
    account = speaker.ledger()
    reply = speaker.ask(question(max_calls=50), ledger=account, call=tool("p99 " * 20)[0])
    assert (reply.value, reply.trouble) == (None, "budget")
    assert said in reply.problem
    asked = len(model.prompts)
    assert 1 <= asked <= 3
    again = speaker.ask(question(), ledger=account, call=tool()[0])
    assert (again.trouble, again.value) == ("budget", None)
    assert len(model.prompts) == asked


def test_the_seconds_of_an_investigation_run_from_its_beginning() -> None:
    clock = TurnedClock(0.0)
    account = ledger(clock.now, seconds=60)
    assert account.exhausted() == ""
    clock.wait(61, threading.Event())
    assert account.exhausted() == "the limit of 60 seconds for an investigation is reached"


def test_a_limit_of_zero_is_none() -> None:
    none = {"calls": 0, "tokens": 0, "seconds": 0, "cost": 0}
    account = InvestigationLedger(InvestigationBudget(**none), Day(DayBudget(**none)))
    account.settle(Usage(), Usage(calls=10**6, input_tokens=10**9, cost=0.0))
    assert account.exhausted() == ""


def test_calls_that_are_under_way_at_the_same_time_do_not_overdraw() -> None:
    account = ledger(calls=10)
    allowed: list[str] = []

    def work() -> None:
        for _ in range(20):
            problem = account.promise(Usage(calls=1))
            if not problem:
                allowed.append("")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(allowed) == 10


def test_what_was_promised_and_not_taken_is_free_again() -> None:
    account = ledger(calls=1)
    assert account.promise(Usage(calls=1)) == ""
    assert account.promise(Usage(calls=1)) != ""
    account.settle(Usage(calls=1), Usage())
    assert account.promise(Usage(calls=1)) == ""


def test_the_day_limits_all_investigations_together_and_ends_at_midnight_utc() -> None:
    clock = TurnedClock(1_700_000_000.0)
    model = ScriptedModel(lambda _: Answer({"service": "order"}))
    settings = Llm(day={"calls": 2})
    speaker = make_speaker(settings, models={"fast": model}, clock=clock)
    replies = [speaker.ask(question(), ledger=speaker.ledger(), call=tool()[0]) for _ in range(3)]
    assert [reply.trouble for reply in replies] == [None, None, "budget"]
    assert "a day" in replies[-1].problem
    clock.wait(86_400, threading.Event())
    assert speaker.ask(question(), ledger=speaker.ledger(), call=tool()[0]).value is not None


def test_a_restart_does_not_forget_what_the_day_has_cost(tmp_path: Path) -> None:
    settings = Llm(day={"calls": 2})
    for trouble in (None, None, "budget"):
        model = ScriptedModel([Answer({"service": "order"})])
        speaker = make_speaker(settings, models={"fast": model}, book=DayFiles(tmp_path))
        assert speaker.ask(question(), ledger=speaker.ledger(), call=tool()[0]).trouble == trouble


def test_money_is_counted_by_the_prices() -> None:
    model = ScriptedModel([Answer({"service": "order"})])
    speaker = make_speaker(
        Llm(models={"fast": PRICED}, investigation={"cost": 0}, day={"cost": 0}), models={"fast": model}
    )
    usage = speaker.ask(question(), ledger=speaker.ledger(), call=tool()[0]).usage
    assert usage.cost == pytest.approx((usage.input_tokens * 1000 + usage.output_tokens * 2000) / 1e6)
    assert Prices(1.0, 3.0).cost(1_000_000, 1_000_000) == 4.0


def test_several_processes_may_write_one_day_book(tmp_path: Path) -> None:
    one, other = DayFiles(tmp_path), DayFiles(tmp_path)
    for book in (one, other, one):
        book.add("2026-01-31", Usage(calls=1, input_tokens=10, cost=0.5))
    assert one.spent("2026-01-31") == other.spent("2026-01-31") == Usage(calls=3, input_tokens=30, cost=1.5)
    assert one.spent("2026-02-01") == Usage()


def test_a_torn_line_of_the_day_book_is_passed_over(tmp_path: Path) -> None:
    book = DayFiles(tmp_path)
    book.add("2026-01-31", Usage(calls=1))
    with (tmp_path / "llm-2026-01-31.jsonl").open("ab") as file:
        file.write(b'{"calls": \nnull\n[]\n{"calls"')
    assert DayFiles(tmp_path).spent("2026-01-31") == Usage(calls=1)


def test_a_day_book_that_cannot_be_written_still_counts(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    book = DayFiles(tmp_path / "file" / "folder")
    book.add("2026-01-31", Usage(calls=2))
    assert book.spent("2026-01-31").calls == 2


def test_a_day_book_in_memory_forgets_the_days_before() -> None:
    book = MemoryDayBook()
    book.add("2026-01-30", Usage(calls=1))
    book.add("2026-01-31", Usage(calls=2))
    assert (book.spent("2026-01-30").calls, book.spent("2026-01-31").calls) == (0, 2)


def test_what_is_known_of_a_model_outlives_the_process_and_a_broken_file(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "models.json"
    KnownInFile(path).put("a", {"tools": True})
    KnownInFile(path).put("b", {"tools": False})
    assert (KnownInFile(path).get("a"), KnownInFile(path).get("c")) == ({"tools": True}, None)
    path.write_text("{", encoding="utf-8")
    assert KnownInFile(path).get("a") is None


def test_tokens_are_estimated_for_both_languages() -> None:
    assert 200 <= tokens_of("the service is slow " * 50) <= 330
    assert 150 <= tokens_of("订单服务很慢" * 30) <= 200
